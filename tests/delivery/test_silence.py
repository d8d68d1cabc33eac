"""Silence is consent only for those who were told: what the real processes do when channels fail.

The clock moves to shortly before the deadline, the console gives a sign of life there, and the
clock moves on past the deadline.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from approvals.models import ApprovalRequest, Delivery, DeliveryAttempt
from audit.models import AuditEvent
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.models import Heartbeat
from tests.approvals.helpers import trail
from tests.delivery.conftest import House, Peers
from tests.processes import Console, console, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

# Seconds before the deadline: too late for notice, and after the moments of both reminders.
LATE = 25
PEOPLE = ("ana@example.com", "ben@example.com")
SUBMISSION = {
    "action": {"type": "refund.create", "arguments": {"order": "5512"}},
    "description": "Refund order 5512",
    "risk": {"reversible": True, "cost_usd": "0"},
    "confidence": {"score": 0.82},
}


@dataclass(frozen=True)
class Story:
    """An agent has asked at SOFT_APPROVAL; what it sees, and how time passes."""

    running: Console
    agent: httpx.Client
    id: str
    advance_clock: Callable[..., None]

    def look(self) -> dict[str, Any]:
        """As the agent polls."""
        return dict(self.agent.get(f"/api/v1/requests/{self.id}").json())

    @property
    def request(self) -> ApprovalRequest:
        return ApprovalRequest.objects.get(pk=self.id)

    def go_to(self, seconds_before_deadline: float) -> None:
        left = (self.request.deadline - database_now()).total_seconds()
        self.advance_clock(seconds=max(0.0, left - seconds_before_deadline))

    def let_time_run_out(self) -> None:
        """With the console there to object in until shortly before."""
        self.go_to(LATE)
        self.show_a_sign_of_life()
        self.go_to(-1)

    def show_a_sign_of_life(self) -> None:
        """A new process says at once that it lives; the others only every ten seconds."""
        now = database_now()
        self.running.web()
        signs = Heartbeat.objects.filter(kind="web", last_seen_at__gte=now)
        wait_until(signs.exists, "the console gives a sign of life")

    def timeout(self) -> dict[str, Any]:
        """The one event of the time limit, as it is on record."""
        (event,) = AuditEvent.objects.filter(request_id=self.id, type="timeout")
        return dict(json.loads(bytes(event.entry)))


@contextmanager
def story(running: Console, house: House, advance_clock: Callable[..., None]) -> Iterator[Story]:
    headers = {"Authorization": f"Bearer {house.key}"}
    with httpx.Client(base_url=running.web().url, headers=headers) as agent:
        answer = agent.post("/api/v1/requests", json=SUBMISSION)
        assert (answer.status_code, answer.json()["level"]) == (202, "SOFT_APPROVAL")
        yield Story(running, agent, answer.json()["id"], advance_clock)


@pytest.fixture
def running(house: House, peers: Peers, committed_db: str, tmp_path: Path) -> Iterator[Console]:
    house.mail_channel()
    house.slack_channel(role="backup")
    with console(committed_db, tmp_path, **peers.variables) as running:
        yield running


def attempts(transport: str) -> int:
    return DeliveryAttempt.objects.filter(
        delivery__transport=transport, outcome="temporary"
    ).count()


def assert_nobody_consented(told: Story) -> None:
    seen = told.look()
    assert (seen["status"], seen["level"], seen["proceed"], seen["resolution"]) == (
        "escalated", "HARD_APPROVAL", False, None,
    )  # fmt: skip
    assert (seen["reason"], seen["notice"], seen["on_deadline"]) == ("no_notice", None, "escalate")
    assert trail(told.request) == ["requested", "timeout"]
    event = told.timeout()
    assert (event["reviewer_decision"], event["reviewer_id"], event["hitl_level"]) == (
        "escalated", None, "HARD_APPROVAL",
    )  # fmt: skip
    assert event["payload"]["reason"] == "no_notice"


def expect_the_escalation(peers: Peers) -> None:
    """Both people on the primary channel, and the room on the backup."""
    peers.smtp.expect_only(*PEOPLE)
    peers.slack.expect_call("chat.postMessage")


def subjects(peers: Peers) -> Counter[str]:
    return Counter(str(mail["Subject"]) for mail in peers.smtp.mails)


def test_told_in_time_silence_is_consent_with_the_delivery_as_evidence(
    running: Console, house: House, peers: Peers, advance_clock: Callable[..., None]
) -> None:
    peers.smtp.expect_only(*PEOPLE, *PEOPLE)
    running.worker()
    running.beat()
    with story(running, house, advance_clock) as told:
        peers.smtp.wait_for(2, timeout=60)
        wait_until(lambda: told.look()["notice"]["given"] is not None, "the notice is on record")
        told.go_to(LATE)
        peers.smtp.wait_for(4, timeout=60)
        told.let_time_run_out()
        wait_until(lambda: told.request.status != "pending", "the time limit was enforced")
        seen = told.look()
        assert (seen["status"], seen["resolution"], seen["proceed"]) == (
            "approved", "silent_consent", True,
        )  # fmt: skip
        evidence = told.timeout()["payload"]["notice"]
        delivery = Delivery.objects.filter(kind="request_waiting").earliest("sent_at")
        assert (evidence["kind"], evidence["id"]) == ("delivery", str(delivery.id))
        assert evidence["people"] == [str(delivery.user_id)]
        assert seen["notice"]["given"] == {
            name: evidence[name] for name in ("kind", "transport", "at")
        }
        assert subjects(peers) == {
            "[SOFT_APPROVAL] Refund order 5512 waits for a decision": 2,
            "[SOFT_APPROVAL] Refund order 5512 still waits for a decision": 2,
        }
        assert f"<{delivery.id}@127.0.0.1>" in {
            str(mail["Message-ID"]) for mail in peers.smtp.mails
        }


def test_mail_and_slack_are_down(
    running: Console, house: House, peers: Peers, advance_clock: Callable[..., None]
) -> None:
    peers.smtp.stop()
    peers.slack.stop()
    running.worker()
    running.beat()
    with story(running, house, advance_clock) as told:
        wait_until(lambda: attempts("email") == 2, "both mails were tried")
        advance_clock(seconds=6)
        wait_until(lambda: attempts("slack") >= 1, "the backup was tried")
        assert told.look()["notice"]["given"] is None
        told.let_time_run_out()
        wait_until(lambda: told.request.status != "pending", "the time limit was enforced")
        assert_nobody_consented(told)
        expect_the_escalation(peers)
        peers.smtp.start()
        peers.slack.start()
        # Not beyond the lease of an attempt that may be on its way.
        advance_clock(seconds=50)
        escalations = Delivery.objects.filter(kind="request_escalated")
        wait_until(lambda: escalations.filter(status="sent").count() == 3, "all are told")
        advance_clock(seconds=3600)
        waiting = Delivery.objects.filter(status="queued")
        wait_until(lambda: not waiting.exists(), "what was overtaken is dropped")
        assert subjects(peers) == {"[HARD_APPROVAL] Refund order 5512 was escalated": 2}
        assert told.look()["status"] == "escalated"


def test_the_worker_is_killed_while_it_tells_them(
    running: Console, house: House, peers: Peers, advance_clock: Callable[..., None]
) -> None:
    """The mails have arrived, but nothing proves it: that is no notice."""
    peers.smtp.inbox.hold()
    beat = running.beat()
    worker = running.worker()
    peers.smtp.expect(lambda mail: "waits" in str(mail["Subject"]), "mails", at_least=2, at_most=2)
    with story(running, house, advance_clock) as told:
        peers.smtp.inbox.wait_for_held(2, timeout=60)
        beat.kill()
        worker.kill()
        peers.smtp.inbox.release()
        told.let_time_run_out()
        # No scheduler, no worker: the agent's own look enforces its deadline.
        assert_nobody_consented(told)


def test_told_too_late(
    running: Console, house: House, peers: Peers, advance_clock: Callable[..., None]
) -> None:
    """Shortly before the deadline nobody has the chance to object any more."""
    peers.smtp.expect_only(*PEOPLE * 3)
    peers.slack.expect_call("chat.postMessage")
    peers.smtp.stop()
    peers.slack.stop()
    running.worker()
    running.beat()
    with story(running, house, advance_clock) as told:
        wait_until(lambda: attempts("email") == 2, "both mails were tried")
        peers.smtp.start()
        peers.slack.start()
        told.go_to(LATE)
        peers.smtp.wait_for(4, timeout=60)
        wait_until(lambda: Delivery.objects.filter(status="sent").count() == 4, "it is on record")
        assert told.look()["notice"]["given"] is None
        told.let_time_run_out()
        wait_until(lambda: told.request.status != "pending", "the time limit was enforced")
        assert_nobody_consented(told)
        peers.smtp.wait_for(6, timeout=60)
        peers.slack.wait_for(1, timeout=60)
    assert subjects(peers) == {
        "[SOFT_APPROVAL] Refund order 5512 waits for a decision": 2,
        "[SOFT_APPROVAL] Refund order 5512 still waits for a decision": 2,
        "[HARD_APPROVAL] Refund order 5512 was escalated": 2,
    }
