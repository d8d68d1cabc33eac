"""Slack: what is posted, what pressing does, and whom it lets in."""

import re
import time
from typing import Any

import pytest
from django.test import Client

from approvals.models import ApprovalRequest, Delivery, NotificationChannel
from approvals.notifications import outbox
from approvals.notifications.outbox import run_outbox
from approvals.services.deadlines import sweep_due
from approvals.services.exchange import withdraw_request
from approvals.services.notice import notice_of
from audit.models import AuditEvent
from hitlconsole.accounts.models import User
from tests.approvals.helpers import decide, keep_console_up, reload
from tests.factories import HARD, make_reviewer, submit
from tests.peers.slack import SlackPeer, press, signed, submit_form


def post(
    client: Client, channel: NotificationChannel, payload: dict[str, Any], **signing: Any
) -> Any:
    body, headers = signed(payload, **signing)
    return client.post(
        f"/hooks/slack/{channel.id}/",
        body,
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )


@pytest.fixture
def posted(slack: SlackPeer, slack_channel: NotificationChannel, key: str) -> ApprovalRequest:
    """A request at SOFT_APPROVAL whose message stands in the channel."""
    slack.expect_call("chat.postMessage")
    request = submit(key, description="Refund <order> & go", arguments={"order": "5512"})
    run_outbox()
    return request


def the_message(slack: SlackPeer) -> tuple[str, dict[str, Any]]:
    ((ts, message),) = slack.messages.items()
    return ts, message


def test_the_message_says_what_it_is_about_and_mentions_who_decides(
    posted: ApprovalRequest, slack: SlackPeer, ana: User
) -> None:
    ts, message = the_message(slack)
    text = str(message["blocks"])
    assert "Refund &lt;order&gt; &amp; go" in text
    assert "SOFT_APPROVAL · waits for a decision" in text
    assert "Why: reversible" in text or "Why:" in text
    assert "Time left: 0" in text
    assert "<@U1>" in text
    assert set(slack.buttons(ts)) == {"approve", "reject", "open"}
    assert slack.buttons(ts)["open"]["url"].endswith(f"/requests/{posted.id}/")
    delivery = Delivery.objects.get()
    assert delivery.people == [ana.id]
    assert message["metadata"]["event_payload"]["delivery_id"] == str(delivery.id)


def test_a_message_that_slack_took_is_notice_to_those_whom_it_mentions(
    posted: ApprovalRequest, ana: User, advance_clock: Any
) -> None:
    evidence = notice_of(posted)
    assert evidence is not None
    assert (evidence.kind, evidence.transport, evidence.people) == ("delivery", "slack", (ana.id,))
    keep_console_up(posted)
    advance_clock(seconds=301)
    sweep_due()
    after = reload(posted)
    assert (after.status, after.resolution) == ("approved", "silent_consent")
    assert after.notice is not None
    assert after.notice["id"] == str(Delivery.objects.get(kind="request_waiting").id)
    timeout = AuditEvent.objects.get(request_id=posted.id, type="timeout")
    assert f'"id":"{after.notice["id"]}"'.encode() in bytes(timeout.entry)


def test_approving_decides_and_changes_the_message(
    posted: ApprovalRequest,
    slack: SlackPeer,
    slack_channel: NotificationChannel,
    client: Client,
    ana: User,
) -> None:
    ts, _ = the_message(slack)
    slack.expect_call("chat.update")
    assert post(client, slack_channel, press(slack.buttons(ts)["approve"], "U1")).status_code == 200
    run_outbox()
    after = reload(posted)
    assert (after.status, after.closing_decision.reviewer_id) == ("approved", ana.id)
    assert after.closing_decision.channel == "slack"
    assert "Approved by ana" in str(slack.messages[ts]["blocks"])
    assert slack.buttons(ts) == {}
    event = AuditEvent.objects.get(request_id=posted.id, type="approved")
    assert b'"channel":"slack"' in bytes(event.entry)


def test_the_same_press_twice_decides_once(
    posted: ApprovalRequest, slack: SlackPeer, slack_channel: NotificationChannel, client: Client
) -> None:
    ts, _ = the_message(slack)
    payload = press(slack.buttons(ts)["approve"], "U1")
    assert [post(client, slack_channel, payload).status_code for _ in range(2)] == [200, 200]
    assert slack.whispers == []
    assert posted.decisions.count() == 1


def test_rejecting_asks_for_the_reason_in_a_form(
    posted: ApprovalRequest, slack: SlackPeer, slack_channel: NotificationChannel, client: Client
) -> None:
    ts, _ = the_message(slack)
    slack.expect_call("views.open")
    post(client, slack_channel, press(slack.buttons(ts)["reject"], "U1"))
    assert reload(posted).status == "pending"
    (view,) = slack.views
    empty = post(client, slack_channel, submit_form(view, "U1", "  "))
    assert "Say why" in empty.json()["errors"]["reason"]
    assert post(client, slack_channel, submit_form(view, "U1", "Wrong order")).content == b""
    after = reload(posted)
    assert (after.status, after.reason) == ("rejected", "Wrong order")


def test_hard_approval_has_no_button_to_approve_and_refuses_a_forged_one(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str, client: Client
) -> None:
    slack.expect_call("chat.postMessage")
    slack.expect_call("chat.postEphemeral")
    request = submit(key, facts=HARD)
    run_outbox()
    ts, _ = the_message(slack)
    buttons = slack.buttons(ts)
    assert set(buttons) == {"reject", "open"}
    forged = buttons["reject"] | {"action_id": "approve"}
    assert post(client, slack_channel, press(forged, "U1")).status_code == 200
    assert "approved in the console only" in slack.whispers[0]["text"]
    assert reload(request).status == "pending"


@pytest.mark.parametrize(
    ("signing", "workspace", "status"),
    [
        ({"seconds_off": -400}, "T0001", 401),
        ({"seconds_off": 400}, "T0001", 401),
        ({"secret": "another"}, "T0001", 401),
        ({}, "T0002", 403),
    ],
)
def test_who_is_not_slack_or_another_workspace_is_refused(
    posted: ApprovalRequest,
    slack: SlackPeer,
    slack_channel: NotificationChannel,
    client: Client,
    signing: dict[str, Any],
    workspace: str,
    status: int,
) -> None:
    ts, _ = the_message(slack)
    payload = press(slack.buttons(ts)["approve"], "U1", workspace=workspace)
    # By the clock as it is now: the tests were collected minutes ago.
    if "seconds_off" in signing:
        signing = {"at": time.time() + signing["seconds_off"]}
    assert post(client, slack_channel, payload, **signing).status_code == status
    assert reload(posted).status == "pending"


def test_an_altered_body_is_refused(
    posted: ApprovalRequest, slack: SlackPeer, slack_channel: NotificationChannel, client: Client
) -> None:
    ts, _ = the_message(slack)
    body, headers = signed(press(slack.buttons(ts)["approve"], "U1"))
    altered = body.replace(b"U1", b"U2")
    answer = client.post(
        f"/hooks/slack/{slack_channel.id}/",
        altered,
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )
    assert (answer.status_code, reload(posted).status) == (401, "pending")


def test_an_account_that_is_not_linked_or_has_no_right_is_told_so(
    posted: ApprovalRequest,
    slack: SlackPeer,
    slack_channel: NotificationChannel,
    client: Client,
    ana: User,
) -> None:
    slack.expect_call("chat.postEphemeral", at_least=2, at_most=2)
    ts, _ = the_message(slack)
    approve = slack.buttons(ts)["approve"]
    post(client, slack_channel, press(approve, "U9"))
    ana.memberships.all().delete()
    post(client, slack_channel, press(approve, "U1"))
    first, second = slack.whispers
    assert ("not linked" in first["text"], first["user"]) == (True, "U9")
    assert "no such request" in second["text"]
    assert reload(posted).status == "pending"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "block_actions", "team": {"id": "T0001"}, "user": {"id": "U1"}, "actions": []},
        {"type": "shortcut", "team": {"id": "T0001"}, "user": {"id": "U1"}},
        {"type": "view_submission", "team": {"id": "T0001"}, "user": {"id": "U1"}, "view": {}},
        {"type": "block_actions", "team": None},
        {
            "type": "block_actions",
            "team": {"id": "T0001"},
            "user": {"id": "U1"},
            "actions": [{"action_id": "approve", "value": "{}"}],
        },
    ],
)
def test_signed_nonsense_is_a_400(
    slack: SlackPeer, slack_channel: NotificationChannel, client: Client, payload: dict[str, Any]
) -> None:
    assert post(client, slack_channel, payload).status_code == 400


def test_a_message_on_its_way_while_the_request_closes_is_brought_up_to_date(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str, ana: User, monkeypatch: Any
) -> None:
    slack.expect_call("chat.postMessage")
    slack.expect_call("chat.update")
    request = submit(key)
    note = outbox._note_receipt

    def note_late(*args: Any) -> None:
        withdraw_request(agent_id=request.agent_id, request_id=request.id)
        note(*args)
        monkeypatch.setattr(outbox, "_note_receipt", note)

    monkeypatch.setattr(outbox, "_note_receipt", note_late)
    run_outbox()
    run_outbox()
    _, message = the_message(slack)
    assert "Withdrawn by the agent" in str(message["blocks"])


def test_slacks_own_failures(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str, advance_clock: Any
) -> None:
    slack.expect_call("chat.postMessage", at_least=2, at_most=2)
    slack.errors = ["ratelimited", "channel_not_found"]
    submit(key, facts=HARD)
    run_outbox()
    delivery = Delivery.objects.get()
    first = delivery.tries.get()
    assert (first.outcome, first.response_status) == ("temporary", 429)
    assert (delivery.next_attempt_at - first.finished_at).total_seconds() == 30
    advance_clock(seconds=31)
    run_outbox()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_error) == ("dead", "Slack answered channel_not_found.")


def test_a_long_description_is_posted_whole(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str
) -> None:
    slack.expect_call("chat.postMessage")
    words = " ".join(f"word{number}" for number in range(800))
    submit(key, facts=HARD, description=words)
    run_outbox()
    assert words in the_text(slack)


def test_what_is_too_long_for_slack_is_cut_and_not_approved_there(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str
) -> None:
    slack.expect_call("chat.postMessage")
    submit(key, description="<" * 10_000 + "and pay me twice")
    run_outbox()
    text = the_text(slack)
    assert f"*{'&lt;' * 2000}… (too long for Slack: the rest is in the console)*" in text
    assert "and pay me twice" not in text
    ts, _ = the_message(slack)
    assert set(slack.buttons(ts)) == {"reject", "open"}


def test_a_burst_is_told_in_messages_that_slack_takes(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str, advance_clock: Any
) -> None:
    slack.expect_call("chat.postMessage", at_least=3, at_most=3)
    requests = [submit(key, facts=HARD, description="<" * 500) for _ in range(85)]
    run_outbox()
    advance_clock(seconds=11)
    run_outbox()
    shown = [re.findall(r"/requests/([^/]+)/", str(m["blocks"])) for m in slack.messages.values()]
    assert [len(ids) for ids in shown] == [40, 40, 5]
    assert {one for ids in shown for one in ids} == {str(request.id) for request in requests}


def the_text(slack: SlackPeer) -> str:
    _, message = the_message(slack)
    return "".join(b["text"]["text"] for b in message["blocks"] if b["type"] == "section")


def test_nobody_linked_is_no_notice(
    slack: SlackPeer, slack_channel: NotificationChannel, key: str, ana: User
) -> None:
    slack.expect_call("chat.postMessage")
    ana.channel_identities.all().delete()
    make_reviewer(ana.memberships.get().team)
    request = submit(key)
    run_outbox()
    assert Delivery.objects.get().status == "sent"
    assert notice_of(request) is None
    decide(request, ana, "reject")
