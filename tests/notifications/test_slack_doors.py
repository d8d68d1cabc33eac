"""What Slack's endpoint is sent by strangers, by broken apps and by admins of other teams."""

import time
from http.client import BadStatusLine
from typing import Any

import pytest
from django.test import Client
from slack_sdk import WebClient

from approvals.models import NotificationChannel
from approvals.notifications.outbox import run_outbox
from approvals.notifications.secrets import seal_secrets
from hitlconsole.accounts.models import User
from tests.approvals.helpers import reload
from tests.factories import make_agent, make_reviewer, make_team, submit
from tests.notifications.conftest import make_channel
from tests.peers.slack import ROOM, SIGNING_SECRET, TOKEN, WORKSPACE, SlackPeer, press, signed

FORM = "application/x-www-form-urlencoded"


def button(value: str) -> dict[str, Any]:
    return {"action_id": "approve", "value": value, "text": {"type": "plain_text", "text": "Ok"}}


def send(channel: NotificationChannel, body: bytes, headers: dict[str, str]) -> int:
    answer = Client(raise_request_exception=False).post(
        f"/hooks/slack/{channel.id}/", body, content_type=FORM, headers=headers
    )
    return int(answer.status_code)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=0"},
        {"X-Slack-Request-Timestamp": "inf", "X-Slack-Signature": "v0=0"},
        {"X-Slack-Request-Timestamp": "9" * 5000, "X-Slack-Signature": "v0=0"},
        {"X-Slack-Request-Timestamp": "NOW", "X-Slack-Signature": "v0=\u00e9"},
        {"X-Slack-Request-Timestamp": "NOW"},
    ],
)
@pytest.mark.parametrize("body", [b"payload=%7B%7D", b"\xff\xfe", b"payload=\x00"])
def test_what_is_not_signed_is_refused_whatever_it_is(
    slack_channel: NotificationChannel, headers: dict[str, str], body: bytes
) -> None:
    now = {name: value.replace("NOW", str(int(time.time()))) for name, value in headers.items()}
    assert send(slack_channel, body, now) == 401


@pytest.mark.parametrize("secrets", ["", "sealed elsewhere", {}, {"signing_secret": " "}])
def test_a_channel_whose_secret_is_gone_lets_nobody_in(
    slack_channel: NotificationChannel, secrets: str | dict[str, Any]
) -> None:
    sealed = secrets if isinstance(secrets, str) else seal_secrets(secrets)
    NotificationChannel.objects.filter(pk=slack_channel.pk).update(secrets=sealed)
    body, headers = signed({"type": "block_actions"})
    assert send(slack_channel, body, headers) == 401


@pytest.mark.parametrize(
    "value",
    [
        '{"request": "00000000-0000-7000-8000-000000000000", "revision": 1e999}',
        '{"request": "00000000-0000-7000-8000-000000000000", "revision": "x"}',
        '{"request": 5, "revision": 1}',
        '{"request": null}',
        "[" * 100_000,
        "5",
    ],
)
def test_a_button_that_is_none_of_ours(
    slack: SlackPeer, slack_channel: NotificationChannel, value: str
) -> None:
    body, headers = signed(press(button(value), "U1"))
    assert send(slack_channel, body, headers) == 400


@pytest.mark.parametrize("reason", ["a \x00 b", "half \ud800"])
def test_a_reason_that_no_column_takes(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str, reason: str
) -> None:
    slack.expect_call("chat.postMessage")
    request = submit(key)
    run_outbox()
    ((ts, _),) = slack.messages.items()
    form = {
        "type": "view_submission",
        "team": {"id": WORKSPACE},
        "user": {"id": "U1"},
        "view": {
            "id": "V1",
            "callback_id": "reject",
            "private_metadata": slack.buttons(ts)["reject"]["value"],
            "state": {"values": {"reason": {"reason": {"value": reason}}}},
        },
    }
    body, headers = signed(form)
    assert send(slack_channel, body, headers) == 400
    assert reload(request).status == "pending"


def test_a_channel_decides_about_its_own_team_alone(
    slack: SlackPeer, slack_channel: NotificationChannel, ana: User
) -> None:
    """Its admin knows its signing secret, and could say that anybody had pressed anything."""
    slack.expect_call("chat.postEphemeral")
    support = make_team("Support")
    make_reviewer(support, "ana@example.com")
    foreign = submit(make_agent(support)[1])
    value = f'{{"request": "{foreign.id}", "revision": 1}}'
    body, headers = signed(press(button(value), "U1"))
    assert send(slack_channel, body, headers) == 200
    assert reload(foreign).status == "pending"
    assert "no such request" in slack.whispers[0]["text"]


def test_an_id_of_another_workspace_in_a_shared_room_is_somebody_else(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str
) -> None:
    """Ids of users are unique within their workspace; a shared room has guests from others."""
    slack.expect_call("chat.postEphemeral")
    request = submit(key)
    payload = press(button(f'{{"request": "{request.id}", "revision": 1}}'), "U1")
    payload["user"]["team_id"] = "T0002"
    assert send(slack_channel, *signed(payload)) == 200
    assert "not linked" in slack.whispers[0]["text"]
    assert reload(request).status == "pending"


def test_a_channel_of_everybody_decides_about_every_team(
    slack: SlackPeer, slack_channel: NotificationChannel, ana: User
) -> None:
    shared = make_channel(
        "slack",
        {"bot_token": TOKEN, "signing_secret": SIGNING_SECRET},
        name="shared",
        config={"workspace": WORKSPACE, "channel": ROOM},
    )
    support = make_team("Support")
    make_reviewer(support, "ana@example.com")
    asked = submit(make_agent(support)[1])
    value = f'{{"request": "{asked.id}", "revision": 1}}'
    body, headers = signed(press(button(value), "U1"))
    assert send(shared, body, headers) == 200
    assert reload(asked).status == "approved"


def test_an_answer_that_slack_garbles_does_not_undo_the_decision(
    slack: SlackPeer, slack_channel: NotificationChannel, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def garble(*args: Any, **kwargs: Any) -> None:
        raise BadStatusLine("?")

    monkeypatch.setattr(WebClient, "chat_postEphemeral", garble)
    request = submit(key)
    value = f'{{"request": "{request.id}", "revision": 1}}'
    body, headers = signed(press(button(value), "U9"))
    assert send(slack_channel, body, headers) == 200
