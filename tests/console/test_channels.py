"""Channels and messages through their pages."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from approvals.models import ChannelIdentity, Delivery, NotificationChannel
from approvals.notifications import outbox
from approvals.notifications.outbox import run_outbox
from approvals.notifications.secrets import open_secrets
from audit.models import AuditEvent
from hitlconsole.accounts.models import Role
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import HARD, make_reviewer, make_team, submit
from tests.peers.http import HTTPPeer, Reply
from tests.peers.slack import SIGNING_SECRET, TOKEN, SlackPeer

SLACK = {
    "name": "Approvals",
    "role": "primary",
    "enabled": "on",
    "team": "",
    "workspace": "T0001",
    "channel": "C0001",
    "bot_token": TOKEN,
    "signing_secret": SIGNING_SECRET,
}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "THREADS", 1)


def add(admin: Client, kind: str, **fields: Any) -> NotificationChannel:
    answer = admin.post(reverse("console:new-channel", args=[kind]), fields)
    assert answer.status_code in (200, 302), answer.content.decode()
    return NotificationChannel.objects.latest("created_at")


def test_a_secret_is_typed_once_and_shown_nowhere(house: House, admin: Client) -> None:
    channel = add(admin, "slack", **SLACK)
    assert open_secrets(channel.secrets) == {
        "bot_token": TOKEN, "signing_secret": SIGNING_SECRET,
    }  # fmt: skip
    url = reverse("console:channel", args=[channel.pk])
    page = admin.get(url).content.decode()
    assert TOKEN not in page
    assert f"/hooks/slack/{channel.pk}/" in page
    admin.post(url, SLACK | {"bot_token": "", "signing_secret": "", "channel": "C0002"})
    channel.refresh_from_db()
    assert (open_secrets(channel.secrets)["bot_token"], channel.config["channel"]) == (
        TOKEN, "C0002",
    )  # fmt: skip
    entries = [bytes(event.entry) for event in AuditEvent.objects.filter(type="channel_changed")]
    assert len(entries) == 2
    assert not any(TOKEN.encode() in entry for entry in entries)


def test_slack_accounts_are_linked_by_hand_and_by_address(
    house: House, admin: Client, settings: Settings
) -> None:
    channel = add(admin, "slack", **SLACK)
    url = reverse("console:link-account", args=[channel.pk])
    admin.post(url, {"user": str(house.ana.pk), "external_id": " u01 ", "do": "save"})
    assert ChannelIdentity.objects.get().external_id == "U01"
    taken = admin.post(
        url, {"user": str(house.ben.pk), "external_id": "U01", "do": "save"}, follow=True
    )
    assert "belongs to somebody else already" in taken.content.decode()
    with SlackPeer() as slack:
        slack.expect_call("users.lookupByEmail")
        settings.SLACK_API_URL = slack.api_url
        slack.people = {"ben@example.com": "U02"}
        admin.post(url, {"user": str(house.ben.pk), "do": "look_up"})
    assert ChannelIdentity.objects.get(user=house.ben).external_id == "U02"
    admin.post(url, {"user": str(house.ana.pk), "external_id": "", "do": "save"})
    assert [one.user for one in ChannelIdentity.objects.all()] == [house.ben]


def test_the_trial_says_what_the_receiver_says(
    house: House, admin: Client, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with HTTPPeer() as peer:
        peer.expect(at_least=2, at_most=2)
        answer = admin.post(
            reverse("console:new-channel", args=["webhook"]),
            {"name": "SIEM", "role": "everything", "enabled": "on", "url": f"{peer.url}/x"},
        )
        assert "whsec_" in answer.content.decode()
        channel = NotificationChannel.objects.get()
        test = reverse("console:test-channel", args=[channel.pk])
        assert "accepted a trial message" in admin.post(test, follow=True).content.decode()
        peer.replies = [Reply(500)]
        told = admin.post(test, follow=True).content.decode()
    assert "did not accept it: The receiver answered 500." in told
    channel.refresh_from_db()
    assert channel.last_error == "The receiver answered 500."
    assert channel.last_success_at is not None
    assert "whsec_" not in admin.get(reverse("console:channel", args=[channel.pk])).content.decode()


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("slack", {"workspace": "x"}, "Enter a valid value."),
        ("slack", {"bot_token": ""}, "This field is required."),
        ("webhook", {"url": "http://127.0.0.1/"}, "It cannot be a target"),
        ("webhook", {"url": "ftp://example.com"}, "It cannot be a target"),
        ("email", {"role": "loud"}, "Select a valid choice"),
        ("apprise", {"url": ""}, "This field is required."),
    ],
)
def test_wrong_fields_are_named(
    house: House, admin: Client, settings: Settings, kind: str, changes: dict[str, str], words: str
) -> None:
    settings.OUTBOUND_ALLOW = []
    fields = {"name": "N", "role": "primary", "enabled": "on"}
    fields |= (SLACK if kind == "slack" else {}) | changes
    answer = admin.post(reverse("console:new-channel", args=[kind]), fields)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert NotificationChannel.objects.count() == 0


def test_a_teams_admin_has_the_teams_channels_and_no_others(house: House, as_person: Any) -> None:
    lead = make_reviewer(house.team, role=Role.ADMIN)
    client = as_person(lead)
    fields = {"name": "Mail", "role": "primary", "enabled": "on"}
    new = reverse("console:new-channel", args=["email"])
    assert client.post(new, fields).status_code == 422
    assert client.post(new, fields | {"team": str(house.team.pk)}).status_code == 302
    general = NotificationChannel.objects.create(kind="email", name="General")
    foreign = NotificationChannel.objects.create(
        kind="email", name="Foreign", team=make_team("Support")
    )
    page = client.get(reverse("console:channels")).content.decode()
    assert ("General" in page, "Foreign" in page) == (True, False)
    assert client.get(reverse("console:channel", args=[general.pk])).status_code == 403
    assert client.get(reverse("console:channel", args=[foreign.pk])).status_code == 404


def test_a_reviewer_changes_no_channel(house: House, ana: Client) -> None:
    NotificationChannel.objects.create(kind="email", name="Mail")
    page = ana.get(reverse("console:channels")).content.decode()
    assert ("Mail" in page, "Add a channel" in page) == (True, False)
    assert ana.get(reverse("console:new-channel", args=["email"])).status_code == 403


def test_dead_letters_are_seen_and_sent_again(
    house: House, admin: Client, ana: Client, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with HTTPPeer() as peer:
        peer.expect(at_least=2, at_most=2)
        peer.replies = [Reply(410, b"gone for good")]
        admin.post(
            reverse("console:new-channel", args=["webhook"]),
            {"name": "SIEM", "role": "everything", "enabled": "on", "url": f"{peer.url}/x"},
        )
        request = submit(house.key, facts=HARD, description="Refund that failed")
        run_outbox()
        delivery = Delivery.objects.get()
        page = read(admin.get(reverse("console:channels"))).text
        assert "1 was given up" in page
        listed = read(admin.get(reverse("console:deliveries"), {"status": "dead"})).text
        assert "The receiver answered 410." in listed
        detail = read(ana.get(reverse("console:delivery", args=[delivery.pk]))).text
        assert "The receiver answered 410. gone for good" in detail
        assert "Refund that failed" in detail
        replay = reverse("console:replay")
        ana.post(replay, {"delivery": str(delivery.pk)})
        assert Delivery.objects.get().status == "dead"
        admin.post(replay, {"delivery": str(delivery.pk)})
        run_outbox()
    assert Delivery.objects.get().status == "sent"
    told = read(ana.get(f"/requests/{request.id}/")).text
    assert "A request waits" in told
    assert "SIEM accepted" in told


def test_messages_page_by_keys_and_stay_in_the_team(house: House, admin: Client) -> None:
    now = submit(house.key, facts=HARD).created_at
    Delivery.objects.bulk_create(
        Delivery(transport="email", kind="request_waiting", team=house.team, created_at=now)
        for _ in range(120)
    )
    url = reverse("console:deliveries")
    seen: list[str] = []
    address: str | None = url
    while address is not None:
        page = admin.get(address).content.decode()
        seen += re.findall(r"/channels/messages/([0-9a-f-]{36})/", page)
        following = re.search(r'href="(\?status=[^"]+)"', page)
        address = url + following[1].replace("&amp;", "&") if following else None
    assert (len(seen), len(set(seen))) == (120, 120)
    client = Client()
    client.force_login(make_reviewer(make_team("Support")))
    assert "No such messages" in client.get(url).content.decode()
    one = Delivery.objects.first()
    assert one is not None
    assert client.get(reverse("console:delivery", args=[one.pk])).status_code == 404
    assert admin.get(url, {"cursor": "nonsense", "channel": "x"}).status_code == 422
