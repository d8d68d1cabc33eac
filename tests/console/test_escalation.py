"""The editor of escalation policies, rotations and absences, through its forms."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import (
    Absence,
    ApprovalRequest,
    OnCallRotation,
    RotationOverride,
    TeamEscalation,
)
from approvals.representation import represent_request
from audit.models import AuditEvent
from hitlconsole.accounts.models import Role
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import HARD, make_reviewer, make_team, submit


def form(house: House, **changes: Any) -> dict[str, Any]:
    """Two tiers: Ana for ten minutes, then everybody."""
    fields: dict[str, Any] = {
        "revision": "0",
        "tiers": "2",
        "tier-0-name": "First",
        "tier-0-minutes": "10",
        "tier-0-targets": [f"person:{house.ana.pk}"],
        "tier-1-name": "All",
        "tier-1-targets": ["reviewers", "admins"],
        "repeat": "1",
        "tell_admins": "on",
        "quiet_start": "20:00",
        "quiet_end": "08:00",
        "quiet_timezone": "Europe/Berlin",
        "quiet_weekdays": ["0", "4"],
        "do": "save",
    }
    return fields | changes


def address(house: House) -> str:
    return reverse("console:escalation", args=[house.team.pk])


def test_saving_it_sets_limits_and_tells_what_is_open(house: House, admin: Client) -> None:
    waiting = submit(house.key, facts=HARD)
    assert admin.post(address(house), form(house, quiet="on")).status_code == 302
    kept = TeamEscalation.objects.get()
    assert (kept.revision, kept.last_tier, kept.first_seconds) == (1, 3, 600)
    assert kept.document["tiers"][0]["targets"] == [{"kind": "person", "id": str(house.ana.pk)}]
    assert kept.document["quiet"]["weekdays"] == [0, 4]
    assert ApprovalRequest.objects.get(pk=waiting.pk).last_tier == 3
    later = submit(house.key, facts=HARD)
    assert (later.deadline - later.waiting_since).total_seconds() == 600
    assert represent_request(later)["on_deadline"] == "escalate"
    event = AuditEvent.objects.get(type="escalation_changed")
    assert event.actor_id == house.admin.pk
    page = read(admin.get(address(house))).text
    assert "Escalation of Payments" in page
    assert "Escalated nobody decided in time" in page


def test_the_forms_own_buttons_save_nothing(house: House, admin: Client) -> None:
    page = admin.post(address(house), form(house, do="add")).content.decode()
    assert 'name="tier-2-name"' in page
    page = admin.post(address(house), form(house, do="drop-0")).content.decode()
    assert 'name="tier-0-name" value="All"' in page
    assert 'name="tier-1-name"' not in page
    page = admin.post(address(house), form(house, do="down-0")).content.decode()
    assert 'name="tier-1-name" value="First"' in page
    assert TeamEscalation.objects.count() == 0


def test_looking_ahead_goes_by_what_is_typed(house: House, admin: Client) -> None:
    question = {"arrival": "2026-07-01T09:00", "timezone": "Europe/Berlin", "level": "3"}
    page = read(admin.post(address(house), form(house, do="preview", **question))).text
    assert "Wed 2026-07-01 09:00:00 after 0 s Told First ana (named by the tier)" in page
    assert "Wed 2026-07-01 09:05:00 after 5 min Reminded" in page
    assert "Wed 2026-07-01 09:10:00 after 10 min Escalated nobody decided in time All" in page
    assert "admin of the team" not in page  # nobody has that role
    assert TeamEscalation.objects.count() == 0
    wrong = admin.post(address(house), form(house, do="preview", **question | {"timezone": "Mars"}))
    assert wrong.status_code == 422
    assert "It must be a time zone" in wrong.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tier-0-minutes": "x"}, "Half a minute to a year, in minutes; or nothing."),
        ({"tier-0-minutes": "0.1"}, "Half a minute to a year, in minutes; or nothing."),
        ({"tier-0-name": ""}, "Must be a name of at most 80 characters."),
        ({"tier-0-targets": []}, "Choose at least one."),
        ({"repeat": "99"}, "It must be a whole number from 0 to 9."),
        ({"quiet": "on", "quiet_start": "99:00"}, "Quiet hours: it must be a time of day"),
        ({"tier-0-targets": ["person:00000000-0000-0000-0000-000000000009"]}, "Must be a reviewer"),
        ({"tier-0-primary": ["00000000-0000-0000-0000-000000000009"]}, None),
        ({"tier-0-targets": ["nonsense"]}, "Must be one of"),
        ({"tier-0-targets": ["person:x"]}, "Must be an id"),
    ],
)
def test_what_is_wrong_is_told_beside_it_and_nothing_is_lost(
    house: House, admin: Client, changes: dict[str, Any], words: str | None
) -> None:
    answer = admin.post(address(house), form(house, **changes))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words is None or words in page
    assert 'value="All"' in page
    assert TeamEscalation.objects.count() == 0


def test_two_admins_at_once_do_not_overwrite_each_other(house: House, admin: Client) -> None:
    admin.post(address(house), form(house))
    late = admin.post(address(house), form(house, **{"tier-0-name": "Mine"}))
    assert (late.status_code, 'value="Mine"' in late.content.decode()) == (409, True)
    assert TeamEscalation.objects.get().document["tiers"][0]["name"] == "First"


def test_who_does_not_administer_reads_it(house: House, ana: Client) -> None:
    page = ana.get(address(house)).content.decode()
    assert '<fieldset class="panel tier" disabled' in page
    assert 'value="save"' not in page
    assert ana.post(address(house), form(house)).status_code == 403
    looked = ana.get(address(house), {"arrival": "2026-07-01T09:00", "timezone": "UTC", "level": 2})
    assert "Wed 2026-07-01 09:00:00" in read(looked).text
    other = make_team("Support")
    assert ana.get(reverse("console:escalation", args=[other.pk])).status_code == 404
    assert ana.get(reverse("console:escalations")).status_code == 302


def rotation_form(house: House, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Phone",
        "handover": "weekly",
        "weekday": "0",
        "at": "09:00",
        "timezone": "Europe/Berlin",
        "starts_on": "2026-01-05",
        "person_1": str(house.ana.pk),
        "person_2": str(house.ben.pk),
    } | changes


def test_a_rotation_from_the_form_to_the_turns(house: House, admin: Client) -> None:
    new = reverse("console:new-rotation", args=[house.team.pk])
    assert admin.post(new, rotation_form(house)).status_code == 302
    rotation = OnCallRotation.objects.get()
    assert rotation.people == [house.ana.pk, house.ben.pk]
    page = read(admin.get(address(house))).text
    assert "Phone" in page
    assert "is on call until" in page
    assert "ana → ben" in page
    again = admin.post(new, rotation_form(house))
    assert "differ from the team" in again.content.decode()
    assert (
        admin.post(new, rotation_form(house, name="X", person_1="", person_2="")).status_code == 422
    )
    assert admin.post(new, rotation_form(house, name="X", timezone="Mars")).status_code == 422
    url = reverse("console:rotation", args=[house.team.pk, rotation.pk])
    admin.post(url, rotation_form(house, person_1=str(house.ben.pk), person_2=""))
    assert OnCallRotation.objects.get().people == [house.ben.pk]


def test_a_rotation_that_a_tier_names_stays(house: House, admin: Client) -> None:
    admin.post(reverse("console:new-rotation", args=[house.team.pk]), rotation_form(house))
    rotation = OnCallRotation.objects.get()
    admin.post(address(house), form(house, **{"tier-0-targets": [f"rotation:{rotation.pk}"]}))
    drop = reverse("console:delete-rotation", args=[house.team.pk, rotation.pk])
    answer = admin.post(drop, follow=True)
    assert "is named by the escalation policy" in answer.content.decode()
    admin.post(address(house), form(house, revision="1"))
    admin.post(drop)
    assert OnCallRotation.objects.count() == 0


def test_turns_are_taken_and_given_back(
    house: House, admin: Client, ana: Client, ben: Client
) -> None:
    admin.post(reverse("console:new-rotation", args=[house.team.pk]), rotation_form(house))
    rotation = OnCallRotation.objects.get()
    take = reverse("console:new-override", args=[house.team.pk, rotation.pk])
    span = {"starts_at": "2030-01-01T10:00", "ends_at": "2030-01-01T12:00", "timezone": "UTC"}
    assert ana.post(take, span | {"user": house.ben.pk}).status_code == 403
    ana.post(take, span | {"user": house.ana.pk, "ends_at": "2029-01-01T12:00"})
    assert RotationOverride.objects.count() == 0
    ana.post(take, span | {"user": house.ana.pk})
    override = RotationOverride.objects.get()
    assert override.starts_at.isoformat() == "2030-01-01T10:00:00+00:00"
    give = reverse("console:delete-override", args=[house.team.pk, override.pk])
    assert ben.post(give).status_code == 403
    ana.post(give)
    assert RotationOverride.objects.count() == 0


def test_absences_are_ones_own_or_an_admins_to_enter(
    house: House, admin: Client, ana: Client, ben: Client
) -> None:
    enter = reverse("console:new-absence", args=[house.team.pk])
    span = {"starts_at": "2030-01-01T10:00", "ends_at": "2030-01-03T10:00", "timezone": "UTC"}
    assert ana.post(enter, span | {"user": house.ben.pk}).status_code == 403
    ana.post(enter, span | {"user": house.ana.pk, "substitute": house.ana.pk})
    assert Absence.objects.count() == 0
    ana.post(enter, span | {"user": house.ana.pk, "substitute": house.ben.pk})
    admin.post(enter, span | {"user": house.ben.pk})
    assert "ben stands in" in read(ana.get(address(house))).text
    own = Absence.objects.get(user=house.ana)
    drop = reverse("console:delete-absence", args=[house.team.pk, own.pk])
    assert ben.post(drop).status_code == 403
    ana.post(drop)
    assert [one.user for one in Absence.objects.all()] == [house.ben]
    stranger = make_reviewer(make_team("Support"))
    assert admin.post(enter, span | {"user": stranger.pk}).status_code == 403


def test_the_number_of_queries_does_not_grow_with_the_team(house: House, admin: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin.get(address(house))
        return len(captured)

    def grow(number: int) -> None:
        make_reviewer(house.team)
        make_reviewer(house.team, role=Role.ADMIN)
        OnCallRotation.objects.create(
            team=house.team, name=f"R{number}", people=[house.ana.pk], handover="daily",
            at="09:00", timezone="UTC", starts_on="2026-01-01",
        )  # fmt: skip

    grow(0)
    count()
    few = count()
    for number in range(1, 30):
        grow(number)
    assert count() == few
