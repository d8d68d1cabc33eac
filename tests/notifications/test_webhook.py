"""Callbacks to agents and webhooks to outside systems, over real HTTP."""

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from approvals.models import CallbackSecret, Delivery
from approvals.notifications.outbox import run_outbox
from approvals.notifications.secrets import rotate_callback_secret
from approvals.services.deadlines import sweep_due
from approvals.services.takeovers import release_takeover
from audit.events import SYSTEM
from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.lib.secretbox import open_sealed
from hitlconsole.lib.webhooks import new_secret
from tests.approvals.helpers import decide
from tests.factories import AUTO, HARD, TAKEOVER, make_action_type, make_admin, submit
from tests.notifications.conftest import make_channel
from tests.peers.http import HTTPPeer, Received, Reply


def verified(received: Received, secret: str) -> dict[str, Any]:
    return dict(Webhook(secret).verify(received.body, received.headers))


def secret_of(agent_id: Any) -> str:
    return open_sealed(CallbackSecret.objects.get(agent=agent_id).secret)


def test_an_agent_hears_what_became_of_its_request(receiver: HTTPPeer, key: str, ana: User) -> None:
    receiver.expect(at_least=3, at_most=3)
    request = submit(key, facts=HARD, callback_url=f"{receiver.url}/hook")
    decide(request, ana, "ask", notes="Which parcel?")
    run_outbox()
    decide(request, ana, "take_over", notes="Enough")
    run_outbox()
    bodies = [verified(one, secret_of(request.agent_id)) for one in receiver.received]
    question, *others = bodies
    assert (question["type"], question["data"]["id"]) == ("request.question", str(request.id))
    assert question["data"]["decision"]["notes"] == "Which parcel?"
    by_type = {body["type"]: body["data"] for body in others}
    assert set(by_type) == {"agent.read_only", "request.decided"}
    assert by_type["request.decided"]["status"] == "taken_over"
    assert by_type["agent.read_only"]["reason"] == "Enough"


def test_escalation_and_release_are_told(
    receiver: HTTPPeer, key: str, ana: User, advance_clock: Any
) -> None:
    receiver.expect(at_least=3, at_most=3)
    url = f"{receiver.url}/hook"
    request = submit(key, facts=HARD, callback_url=url)
    advance_clock(seconds=86_401)
    sweep_due()
    run_outbox()
    stopped = submit(key, facts=TAKEOVER, callback_url=url)
    release_takeover(takeover_id=stopped.takeover_id, admin=make_admin(), notes="Go on")
    run_outbox()
    bodies = [verified(one, secret_of(request.agent_id)) for one in receiver.received]
    assert bodies[0]["type"] == "request.escalated"
    assert sorted(body["type"] for body in bodies[1:]) == ["agent.read_only", "takeover.resolved"]


def test_what_is_approved_at_once_was_answered_already(receiver: HTTPPeer, key: str) -> None:
    make_action_type("order.lookup", side_effects=False)
    submit(key, action_type="order.lookup", facts=AUTO, callback_url=f"{receiver.url}/hook")
    run_outbox()
    assert Delivery.objects.count() == 0


def test_both_secrets_sign_during_a_rotation_and_the_former_ends(
    receiver: HTTPPeer, key: str, ana: User, advance_clock: Any
) -> None:
    receiver.expect(at_least=2, at_most=2)
    first = submit(key, facts=HARD, callback_url=f"{receiver.url}/hook")
    agent = Agent.objects.get(pk=first.agent_id)
    former = new = rotate_callback_secret(agent, by=SYSTEM)
    new = rotate_callback_secret(agent, by=SYSTEM)
    decide(first, ana, "reject")
    run_outbox()
    assert verified(receiver.received[0], former) == verified(receiver.received[0], new)
    advance_clock(days=1, seconds=1)
    second = submit(key, facts=HARD, callback_url=f"{receiver.url}/hook")
    decide(second, ana, "reject")
    run_outbox()
    assert verified(receiver.received[1], new)["data"]["id"] == str(second.id)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.received[1], former)
    assert former not in json.dumps(list(map(str, CallbackSecret.objects.values())))


@pytest.mark.parametrize(
    ("reply", "outcome", "status"),
    [
        (Reply(204, b""), "sent", "sent"),
        (Reply(500, b"oops"), "temporary", "queued"),
        (Reply(408, b""), "temporary", "queued"),
        (Reply(425, b""), "temporary", "queued"),
        (Reply(400, b"what?"), "permanent", "dead"),
        (Reply(429, b"", {"Retry-After": "120"}), "temporary", "queued"),
        (Reply(302, b"", {"Location": "http://169.254.169.254/"}), "permanent", "dead"),
        (Reply(410, b"gone"), "permanent", "dead"),
        (Reply(0), "temporary", "queued"),
    ],
)
def test_what_the_receiver_answers_is_on_record(
    receiver: HTTPPeer, key: str, ana: User, reply: Reply, outcome: str, status: str
) -> None:
    receiver.expect()
    receiver.replies = [reply]
    decide(submit(key, facts=HARD, callback_url=f"{receiver.url}/hook"), ana, "reject")
    run_outbox()
    delivery = Delivery.objects.get()
    attempt = delivery.tries.get()
    assert (attempt.outcome, delivery.status) == (outcome, status)
    assert attempt.response_status == (reply.status or None)
    assert attempt.response == reply.body.decode() if reply.status else attempt.error


@pytest.mark.parametrize(
    ("retry_after", "too_early", "later"),
    [("120", 100, 21), ("1", 4, 2), ("99999999", 86_390, 11)],
    ids=["as asked", "never sooner than the own pause", "a day at most"],
)
def test_the_receiver_says_when(
    receiver: HTTPPeer,
    key: str,
    ana: User,
    advance_clock: Any,
    retry_after: str,
    too_early: int,
    later: int,
) -> None:
    receiver.expect(at_least=2, at_most=2)
    receiver.replies = [Reply(429, b"", {"Retry-After": retry_after})]
    decide(submit(key, facts=HARD, callback_url=f"{receiver.url}/hook"), ana, "reject")
    run_outbox()
    advance_clock(seconds=too_early)
    run_outbox()
    assert len(receiver.received) == 1
    advance_clock(seconds=later)
    run_outbox()
    assert Delivery.objects.get().status == "sent"


def test_repeats_have_the_same_id(
    receiver: HTTPPeer, key: str, ana: User, advance_clock: Any
) -> None:
    receiver.expect(at_least=2, at_most=2)
    receiver.replies = [Reply(503)]
    decide(submit(key, facts=HARD, callback_url=f"{receiver.url}/hook"), ana, "reject")
    run_outbox()
    advance_clock(seconds=6)
    run_outbox()
    ids = {one.headers["webhook-id"] for one in receiver.received}
    assert ids == {f"msg_{Delivery.objects.get().id}"}


def test_a_callback_into_the_house_is_refused(key: str, ana: User, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    decide(submit(key, facts=HARD, callback_url="http://127.0.0.1:9/x"), ana, "reject")
    run_outbox()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_error) == ("dead", "127.0.0.1 is not a public address")


def test_an_outside_system_gets_everything_of_its_team(
    receiver: HTTPPeer, team: Team, key: str, ana: User
) -> None:
    receiver.expect(at_least=5, at_most=5)
    secret = new_secret()
    make_channel(
        "webhook",
        {"secrets": [secret]},
        role="everything",
        team=team,
        config={"url": f"{receiver.url}/siem"},
    )
    for _ in range(4):
        last = submit(key, facts=HARD)
    decide(last, ana, "approve")
    run_outbox()
    types = [verified(one, secret)["type"] for one in receiver.received]
    # Programs get each thing by itself, however many come at once.
    assert sorted(types) == ["request_closed"] + ["request_waiting"] * 4
