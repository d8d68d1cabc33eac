"""History, audit, policy, notices and Django's admin: pages that are read."""

import hashlib
from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.test import Client
from django.urls import reverse

from approvals.models import Notice, Notification
from approvals.services.deadlines import sweep_due
from audit.models import AuditEvent
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now
from tests.console.conftest import House
from tests.console.html import read
from tests.console.test_deciding import commit
from tests.factories import HARD, make_action_type, submit


def described(client: Client, query: str) -> list[str]:
    rows = client.get(f"/requests/?{query}").context["rows"]
    return [row.request.description for row in rows]


def test_history_is_filtered_by_what_stands_in_the_address(house: House, ana: Client) -> None:
    make_action_type("order.lookup", side_effects=False)
    submit(house.key, action_type="order.lookup", description="Look")
    rejected = submit(house.key, description="Refund")
    submit(house.key, facts=HARD, description="Large refund")
    commit(ana, rejected, "reject", notes="no")
    assert described(ana, "") == ["Large refund", "Refund", "Look"]
    assert described(ana, "status=rejected") == ["Refund"]
    assert described(ana, "level=HARD_APPROVAL") == ["Large refund"]
    assert described(ana, "resolution=automatic") == ["Look"]
    assert described(ana, "type=order.lookup") == ["Look"]
    assert described(ana, f"agent={house.agent.id}&q=large") == ["Large refund"]
    today = database_now().date().isoformat()
    assert len(described(ana, f"since={today}&until={today}")) == 3
    assert described(ana, "until=2020-01-01") == []
    assert "Nothing matches" in read(ana.get("/requests/?until=2020-01-01")).text


def test_history_is_paged_without_gaps(house: House, ana: Client) -> None:
    requests = [submit(house.key, description=f"Refund {n}") for n in range(53)]
    first = ana.get("/requests/")
    second = ana.get(f"/requests/{first.context['more_url']}")
    shown = [row.request for page in (first, second) for row in page.context["rows"]]
    assert shown == list(reversed(requests))
    assert second.context["more_url"] == ""


def test_the_timeline_names_people_and_shows_the_exact_bytes(house: House, ana: Client) -> None:
    request = submit(house.key)
    commit(ana, request, "reject", notes="It was refunded yesterday")
    page = read(ana.get(reverse("audit:request", args=[request.id])))
    assert "Asked support-bot" in page.text
    assert "Rejected A ana by console" in page.text
    assert "It was refunded yesterday" in page.text
    events = AuditEvent.objects.filter(request_id=request.id)
    assert [event.type for event in events.order_by("id")] == ["requested", "rejected"]
    for event in events:
        assert hashlib.sha256(b"\x00" + bytes(event.entry)).hexdigest() in page.text
        assert bytes(event.entry).decode() in page.text


def test_the_record_is_filtered_and_paged(house: House, admin: Client) -> None:
    for n in range(52):
        submit(house.key, description=f"Refund {n}")
    first = admin.get("/audit/?type=requested")
    second = admin.get(f"/audit/{first.context['more_url']}")
    numbers = [named.entry.number for page in (first, second) for named in page.context["timeline"]]
    assert len(numbers) == 52
    assert numbers == sorted(numbers, reverse=True)
    assert "No event matches" in read(admin.get("/audit/?type=expired")).text


def test_the_policy_can_be_tried_and_nothing_is_stored(house: House, ana: Client) -> None:
    before = AuditEvent.objects.count()
    make_action_type("refund.create", floor=3)
    query = {"profile": "0", "reversible": "yes", "cost_usd": "1", "confidence": "0.9"}
    laxest = read(ana.get(reverse("console:policy"), query))
    assert "It would be Level 0 Full auto" in laxest.text
    floored = read(ana.get(reverse("console:policy"), query | {"action_type": "refund.create"}))
    assert "It would be Level 3 Hard approval" in floored.text
    assert "the action type's floor is hard approval" in floored.text
    unsure = read(ana.get(reverse("console:policy"), query | {"confidence": "0.1"}))
    assert "It would be Level 4 Human takeover" in unsure.text
    wrong = read(ana.get(reverse("console:policy"), query | {"confidence": "7"}))
    assert "It would be" not in wrong.text
    assert AuditEvent.objects.count() == before + 1


def test_the_policy_is_told_in_words(house: House, ana: Client) -> None:
    text = read(ana.get(reverse("console:policy"))).text
    assert "it costs more than 100 USD" in text
    assert "below 0.5, or the agent recommends to escalate" in text
    assert "Soft time limit 5 min" in text


@pytest.fixture
def notice(house: House) -> Notice:
    request = submit(house.key, description="Refund that waits")
    news, _ = Notification.objects.get_or_create(
        request=request,
        kind=Notification.Kind.WAITING,
        defaults={"team": house.team, "created_at": database_now()},
    )
    return Notice.objects.create(notification=news, user=house.ana)


def test_notices_are_counted_read_and_nobody_elses(
    house: House, notice: Notice, ana: Client, ben: Client
) -> None:
    assert "Notices 1 unread" in read(ana.get("/")).text
    page = read(ana.get(reverse("console:notices")))
    assert "A request waits Refund that waits" in page.text
    ben.post(reverse("console:read-notices"), {"notice": str(notice.pk)})
    ben.post(reverse("console:read-notices"))
    assert Notice.objects.filter(read_at=None).count() == 1
    assert "Refund that waits" not in read(ben.get(reverse("console:notices"))).text
    ana.post(reverse("console:read-notices"), {"notice": str(notice.pk)})
    assert Notice.objects.filter(read_at=None).count() == 0
    assert "unread" not in read(ana.get("/")).text


OURS = ("audit", "accounts", "autonomy", "approvals")


def test_djangos_admin_shows_and_changes_nothing(
    house: House, as_person: Callable[[User], Client]
) -> None:
    submit(house.key)
    client = as_person(house.admin)
    registered = [m for m in django_admin.site._registry if m._meta.app_label in OURS]
    assert len(registered) >= 16
    for model in registered:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert client.get(base).status_code == 200, base
        assert client.get(f"{base}add/").status_code == 403, base
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            assert client.get(f"{base}{row.pk}/change/").status_code == 200, base
            assert client.post(f"{base}{row.pk}/change/", {}).status_code == 403, base
            assert client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_djangos_admin_shows_no_digest_of_a_key(house: House, admin: Client) -> None:
    key_model = apps.get_model("accounts", "ApiKey")
    key = key_model.objects.get()
    page = admin.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()
    assert key.prefix in page
    assert bytes(key.digest).hex() not in page
    assert repr(bytes(key.digest))[2:-1] not in page


def test_a_level_that_was_raised_since_says_what_the_policy_had_asked_for(
    house: House, ana: Client, advance_clock: Callable[..., None]
) -> None:
    request = submit(house.key)
    raised = "The policy asked for soft approval. What happened since made it hard approval."
    address = f"/requests/{request.id}/"
    assert raised not in read(ana.get(address)).text
    advance_clock(seconds=301)
    sweep_due()
    assert raised in read(ana.get(address)).text


def test_the_bell_learns_where_to_begin_then_what_is_new(
    house: House, ana: Client, notice: Notice
) -> None:
    url = reverse("console:latest-notices")
    first = ana.get(url).json()
    assert (first["last"], first["unread"], first["notices"]) == (notice.pk, 1, [])
    news = ana.get(url, {"after": notice.pk - 1}).json()["notices"]
    assert news == [
        {
            "id": notice.pk,
            "title": "A request waits",
            "text": "Refund that waits",
            "url": f"/requests/{notice.notification.request_id}/",
        }
    ]
    assert ana.get(url, {"after": "nonsense"}).json()["notices"] == []
    assert Client().get(url, headers={"Accept": "application/json"}).status_code in (302, 401)
