"""Who gets in where: channels, messages, rotations, absences, health; and what nonsense does."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from approvals.models import (
    Absence,
    ChannelIdentity,
    Delivery,
    DeliveryItem,
    NotificationChannel,
    OnCallRotation,
    RotationOverride,
    Takeover,
    TeamEscalation,
)
from approvals.notifications.secrets import open_secrets
from approvals.services.decision_links import make_link
from hitlconsole.accounts.models import Role, User
from hitlconsole.lib.clock import database_now
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import HARD, TAKEOVER, make_agent, make_reviewer, make_team, submit

As = Callable[[User], Client]
SPAN = {"starts_at": "2030-01-01T10:00", "ends_at": "2030-01-03T10:00", "timezone": "UTC"}
SLACK = {
    "name": "Approvals", "role": "primary", "enabled": "on", "workspace": "T0001",
    "channel": "C0001", "bot_token": "xoxb-1", "signing_secret": "s1",
}  # fmt: skip


def make_rotation(house: House) -> OnCallRotation:
    return OnCallRotation.objects.create(
        team=house.team, name="Phone", people=[house.ana.pk], handover="daily",
        at="09:00", timezone="UTC", starts_on="2026-01-01",
    )  # fmt: skip


class Things:
    """One of each in the house's team."""

    def __init__(self, house: House) -> None:
        now = database_now()
        self.channel = NotificationChannel.objects.create(
            kind="slack", name="Secret room", team=house.team, config={"workspace": "T0001"}
        )
        self.delivery = Delivery.objects.create(
            transport="email", kind="request_waiting", team=house.team, created_at=now,
            status="dead", channel=self.channel, last_error="secret mailbox",
        )  # fmt: skip
        self.rotation = make_rotation(house)
        self.override = RotationOverride.objects.create(
            rotation=self.rotation, user=house.ana,
            starts_at="2030-01-01T00:00Z", ends_at="2030-01-02T00:00Z",
        )  # fmt: skip
        self.absence = Absence.objects.create(
            user=house.ben, starts_at="2030-01-01T00:00Z", ends_at="2030-01-02T00:00Z"
        )
        submit(make_agent(house.team)[1], facts=TAKEOVER)
        self.takeover = Takeover.objects.get()


def posts(house: House, things: Things) -> list[tuple[str, dict[str, Any]]]:
    team, rotation = house.team.pk, [house.team.pk, things.rotation.pk]
    forms: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("channel", [things.channel.pk], SLACK),
        ("test-channel", [things.channel.pk], {}),
        ("link-account", [things.channel.pk], {"user": house.ana.pk, "external_id": "U666"}),
        ("escalation", [team], {"do": "save", "tiers": "1", "revision": "0",
                                "tier-0-name": "x", "tier-0-targets": "admins"}),
        ("new-rotation", [team], {"name": "Mine"}),
        ("rotation", rotation, {"name": "Mine"}),
        ("delete-rotation", rotation, {}),
        ("new-override", rotation, SPAN | {"user": house.ben.pk}),
        ("delete-override", [team, things.override.pk], {}),
        ("new-absence", [team], SPAN | {"user": house.ana.pk}),
        ("delete-absence", [team, things.absence.pk], {}),
        ("acknowledge-takeover", [things.takeover.pk], {}),
    ]  # fmt: skip
    return [(reverse(f"console:{name}", args=args), fields) for name, args, fields in forms]


def state(things: Things) -> list[Any]:
    things.takeover.refresh_from_db()
    return [
        NotificationChannel.objects.values_list("name", "last_error").get(),
        Delivery.objects.get().status,
        list(ChannelIdentity.objects.all()),
        list(TeamEscalation.objects.all()),
        OnCallRotation.objects.get().name,
        RotationOverride.objects.count(),
        Absence.objects.count(),
        things.takeover.acknowledged_at,
    ]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN, Role.COMPLIANCE])
def test_nothing_of_another_team_is_seen_or_changed(
    house: House, as_person: As, role: Role
) -> None:
    things = Things(house)
    before = state(things)
    client = as_person(make_reviewer(make_team("Support"), "olga@example.com", role))
    for address, form in posts(house, things):
        assert client.post(address, form).status_code == 404, address
    for name, args in (
        ("channel", [things.channel.pk]),
        ("delivery", [things.delivery.pk]),
        ("escalation", [house.team.pk]),
        ("rotation", [house.team.pk, things.rotation.pk]),
        ("new-rotation", [house.team.pk]),
    ):
        assert client.get(reverse(f"console:{name}", args=args)).status_code == 404, name
    for address in (
        reverse("console:channels"),
        reverse("console:deliveries"),
        f"{reverse('console:deliveries')}?channel={things.channel.pk}&status=dead",
        reverse("console:escalations"),
        reverse("console:notices"),
    ):
        page = read(client.get(address, follow=True)).html
        for secret in ("Secret room", "secret mailbox", "ana@example.com"):
            assert secret not in page, (address, secret)
    client.post(reverse("console:replay"), {"delivery": str(things.delivery.pk)})
    client.post(reverse("console:replay"), {"channel": str(things.channel.pk)})
    client.post(reverse("console:replay"), {})
    assert state(things) == before


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.COMPLIANCE])
def test_who_only_reads_changes_nothing(house: House, as_person: As, role: Role) -> None:
    things = Things(house)
    before = state(things)
    client = as_person(make_reviewer(house.team, "cleo@example.com", role))
    for address, form in posts(house, things):
        if role == Role.REVIEWER and "acknowledge" in address:
            continue
        assert client.post(address, form).status_code == 403, address
    client.post(reverse("console:replay"), {"delivery": str(things.delivery.pk)})
    assert state(things) == before


def test_a_teams_admin_touches_no_channel_of_everybody(house: House, as_person: As) -> None:
    shared = NotificationChannel.objects.create(
        kind="slack", name="Shared", config={"workspace": "T0001"}
    )
    lead = as_person(make_reviewer(house.team, "lead@example.com", Role.ADMIN))
    for name, form in (
        ("channel", SLACK),
        ("test-channel", {}),
        ("link-account", {"user": str(house.ana.pk), "external_id": "U666"}),
    ):
        answer = lead.post(reverse(f"console:{name}", args=[shared.pk]), form)
        assert answer.status_code == 403, name
    own = NotificationChannel.objects.create(kind="email", name="Own", team=house.team)
    form = {"name": "Own", "role": "primary", "enabled": "on"}
    for team in ("", str(make_team("Support").pk)):
        answer = lead.post(reverse("console:channel", args=[own.pk]), form | {"team": team})
        assert answer.status_code == 422, team
    own.refresh_from_db()
    assert (own.team, ChannelIdentity.objects.count()) == (house.team, 0)


def test_a_teams_admin_says_nothing_about_accounts_of_who_decides_elsewhere(
    house: House, as_person: As
) -> None:
    """An account counts in the whole workspace: it would decide in the other team, too."""
    channel = NotificationChannel.objects.create(
        kind="slack", name="Room", team=house.team, config={"workspace": "T0001"}
    )
    make_reviewer(make_team("Support"), "ana@example.com")
    link = reverse("console:link-account", args=[channel.pk])
    lead = as_person(make_reviewer(house.team, "lead@example.com", Role.ADMIN))
    theirs = lead.post(link, {"user": str(house.ana.pk), "external_id": "U666"})
    assert theirs.status_code == 403
    assert lead.post(link, {"user": str(house.ben.pk), "external_id": "U2"}).status_code == 302
    stranger = make_reviewer(make_team("Support"))
    gone = lead.post(link, {"user": str(stranger.pk), "external_id": "U3"})
    assert gone.status_code == 404
    assert [one.user for one in ChannelIdentity.objects.all()] == [house.ben]


def test_the_account_of_an_admin_of_everything_is_for_such_admins(
    house: House, as_person: As, admin: Client
) -> None:
    channel = NotificationChannel.objects.create(
        kind="slack", name="Room", team=house.team, config={"workspace": "T0001"}
    )
    make_reviewer(house.team, house.admin.email)
    link = reverse("console:link-account", args=[channel.pk])
    form = {"user": str(house.admin.pk), "external_id": "U666"}
    lead = as_person(make_reviewer(house.team, "lead@example.com", Role.ADMIN))
    assert lead.post(link, form).status_code == 403
    assert admin.post(link, form).status_code == 302
    assert ChannelIdentity.objects.get().user == house.admin


@pytest.mark.parametrize("how", ["out of the team", "switched off"])
def test_a_decision_link_shows_nothing_to_who_may_not_decide_any_more(
    house: House, how: str
) -> None:
    request = submit(house.key, description="A secret refund")
    delivery = Delivery.objects.create(
        transport="email", kind="request_waiting", team=house.team, created_at=database_now()
    )
    link = make_link(delivery, request, house.ana, database_now())
    path = urlsplit(link.url).path
    assert b"A secret refund" in Client().get(path).content
    if how == "switched off":
        User.objects.filter(pk=house.ana.pk).update(is_active=False)
    else:
        house.ana.memberships.all().delete()
    form = {"verdict": "reject", "notes": "n", "code": link.code}
    for answer in (Client().get(path), Client().post(path, form)):
        assert answer.status_code == 404
        assert b"secret refund" not in answer.content
    request.refresh_from_db()
    assert request.status == "pending"


def test_only_who_names_teams_is_told_which_there_are(
    house: House, ana: Client, admin: Client
) -> None:
    make_team("Mergers")
    page = reverse("console:escalation", args=[house.team.pk])
    assert "Reviewers of Mergers" in admin.get(page).content.decode()
    assert "Mergers" not in ana.get(page).content.decode()
    named = make_team("Support")
    form = {"do": "save", "tiers": "1", "revision": "0", "tier-0-name": "x", "repeat": "0",
            "tier-0-targets": ["reviewers", f"team:{named.pk}"]}  # fmt: skip
    assert admin.post(page, form).status_code == 302
    assert "Reviewers of Support" in ana.get(page).content.decode()


YEARS = ["0001-01-01T00:00", "9999-12-31T23:59", "9000-01-01T00:00"]
ZONES = ["Pacific/Kiritimati", "America/Los_Angeles", "UTC"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", YEARS)
def test_times_that_no_calendar_reaches(house: House, admin: Client, at: str, zone: str) -> None:
    rotation = make_rotation(house)
    admin.raise_request_exception = False
    page = reverse("console:escalation", args=[house.team.pk])
    look = {"arrival": at, "timezone": zone, "level": "2", "notice": "on"}
    assert admin.get(page, look).status_code in (200, 422)
    form = {"do": "preview", "tiers": "1", "revision": "0", "tier-0-name": "x",
            "tier-0-targets": [f"rotation:{rotation.pk}"]} | look  # fmt: skip
    assert admin.post(page, form).status_code in (200, 422)
    span = {"starts_at": at, "ends_at": at, "timezone": zone, "user": house.ana.pk}
    early = span | {"ends_at": "2030-01-01T00:00"}
    late = span | {"starts_at": "2030-01-01T00:00"}
    for name, args in (
        ("new-override", [house.team.pk, rotation.pk]),
        ("new-absence", [house.team.pk]),
    ):
        for fields in (span, early, late):
            answer = admin.post(reverse(f"console:{name}", args=args), fields)
            assert answer.status_code == 302, (name, fields)
    assert admin.get(page).status_code == 200
    turns = {"name": "Far", "handover": "weekly", "weekday": "6", "at": "23:59",
             "timezone": zone, "starts_on": at[:10], "person_1": str(house.ana.pk)}  # fmt: skip
    made = admin.post(reverse("console:new-rotation", args=[house.team.pk]), turns)
    assert made.status_code == 422
    assert admin.get(page).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"tier-0-name": "a\x00b"},
        {"tier-0-name": "n" * 10_000},
        {"tier-0-targets": ["person:\x00"]},
        {"tier-0-targets": ["nobody:x", "person:", "", "reviewers:x"]},
        {"tier-0-primary": ["\x00", "x" * 5000]},
        {"tier-0-minutes": "nan"},
        {"tier-0-minutes": "1e400"},
        {"tier-0-minutes": "-5"},
        {"tiers": "-1", "repeat": "99"},
        {"tiers": "²", "repeat": "x"},
        {"repeat": "\u0663"},
        {"quiet": "on", "quiet_start": "25:00", "quiet_timezone": "../../etc/passwd"},
        {"quiet": "on", "quiet_timezone": "Europe", "quiet_weekdays": ["7", "x", "0", "0"]},
        {"quiet": "on", "quiet_timezone": "\x00" * 5000},
    ],
)
def test_nonsense_in_an_escalation_policy(
    house: House, admin: Client, changes: dict[str, Any]
) -> None:
    admin.raise_request_exception = False
    page = reverse("console:escalation", args=[house.team.pk])
    form = {"tiers": "1", "revision": "0", "tier-0-name": "x", "tier-0-targets": ["reviewers"],
            "repeat": "0", "quiet_start": "20:00", "quiet_end": "08:00",
            "quiet_timezone": "UTC", "quiet_weekdays": ["1"]}  # fmt: skip
    for do in ("save", "preview"):
        assert admin.post(page, form | changes | {"do": do}).status_code == 422
    for do in ("add", "drop-0", "up-9", "down-x", "\x00"):
        assert admin.post(page, form | changes | {"do": do}).status_code == 200
    assert TeamEscalation.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "args", "fields"),
    [
        ("link-account", True, {"user": "\x00", "external_id": "U1"}),
        ("replay", False, {"delivery": "\x00"}),
        ("replay", False, {"channel": "x" * 5000}),
        ("read-notices", False, {"notice": "9" * 30}),
        ("read-notices", False, {"notice": "\u0663"}),
    ],
)
def test_nonsense_in_small_forms(
    house: House, admin: Client, name: str, args: bool, fields: dict[str, str]
) -> None:
    admin.raise_request_exception = False
    channel = NotificationChannel.objects.create(
        kind="slack", name="Room", config={"workspace": "T0001"}
    )
    address = reverse(f"console:{name}", args=[channel.pk] if args else [])
    assert admin.post(address, fields).status_code < 500


@pytest.mark.parametrize("name", ["deliveries", "channels", "notices", "latest-notices", "health"])
@pytest.mark.parametrize("query", ["cursor=%00", "cursor=eA", "before=%D9%A3", "after=%D9%A3"])
def test_nonsense_in_an_address(house: House, admin: Client, name: str, query: str) -> None:
    admin.raise_request_exception = False
    answer = admin.get(f"{reverse(f'console:{name}')}?{query}&channel=%00&status=%00")
    assert answer.status_code in (200, 422)


def test_a_channel_whose_secrets_are_lost_can_be_mended(
    house: House, admin: Client, settings: Settings
) -> None:
    channel = NotificationChannel.objects.create(
        kind="slack", name="Room", config={"workspace": "T0001", "channel": "C0001"},
        secrets="sealed elsewhere",
    )  # fmt: skip
    admin.raise_request_exception = False
    page = reverse("console:channel", args=[channel.pk])
    assert admin.get(page).status_code == 200
    test = admin.post(reverse("console:test-channel", args=[channel.pk]), follow=True)
    assert "HITL_ENCRYPTION_KEYS" in read(test).text
    link = reverse("console:link-account", args=[channel.pk])
    make_reviewer(house.team, "dora@example.com")
    looked = admin.post(link, {"user": str(house.ana.pk), "do": "look_up"}, follow=True)
    assert "HITL_ENCRYPTION_KEYS" in read(looked).text
    half = admin.post(page, SLACK | {"bot_token": ""})
    assert half.status_code == 422
    assert admin.post(page, SLACK).status_code == 302
    channel.refresh_from_db()
    assert open_secrets(channel.secrets) == {"bot_token": "xoxb-1", "signing_secret": "s1"}


def test_a_channels_own_fault_is_told(house: House, admin: Client) -> None:
    channel = NotificationChannel.objects.create(kind="slack", name="Room", config={})
    admin.raise_request_exception = False
    answer = admin.post(reverse("console:test-channel", args=[channel.pk]), follow=True)
    assert (answer.status_code, "did not accept it" in read(answer).text) == (200, True)


def test_queries_do_not_grow_with_what_is_there(house: House, admin: Client) -> None:
    def grow(number: int) -> None:
        request = submit(house.key, facts=HARD, description=f"Refund {number}")
        team = make_team(f"Team {number}")
        channel = NotificationChannel.objects.create(kind="email", name=f"C{number}", team=team)
        delivery = Delivery.objects.create(
            transport="email", kind="request_waiting", team=house.team, created_at=database_now(),
            people=[house.ana.pk], user=house.ana, channel=channel,
        )  # fmt: skip
        news = request.notification_set.get()
        DeliveryItem.objects.create(delivery=delivery, notification=news, request=request)
        everything = Delivery.objects.get(pk=first.pk)
        DeliveryItem.objects.create(delivery=everything, notification=news, request=request)

    first = Delivery.objects.create(
        transport="email", kind="request_waiting", team=house.team, created_at=database_now(),
        people=[house.ana.pk],
    )  # fmt: skip
    grow(0)
    request = first.items.get().request
    assert request is not None
    addresses = [
        "/",
        "/requests/",
        f"/agents/{house.agent.id}/",
        f"/requests/{request.id}/",
        "/channels/",
        "/channels/messages/",
        f"/channels/messages/{first.pk}/",
        "/escalation/",
        "/health/",
        "/notices/",
    ]

    def counts() -> dict[str, int]:
        counted = {}
        for address in addresses:
            admin.get(address)
            with CaptureQueriesContext(connection) as captured:
                assert admin.get(address).status_code == 200, address
            counted[address] = len(captured)
        return counted

    make_team("Another")
    few = counts()
    for number in range(1, 50):
        grow(number)
    assert counts() == few
