"""Senders that die between a message's attempt and its record: nothing is lost, repeats show."""

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from approvals.models import ApprovalRequest, Delivery, DeliveryAttempt, Notice
from tests.delivery.conftest import House, Nursery, Peers
from tests.factories import HARD, submit
from tests.processes import console, wait_until

KILLS = 100
# Longer than the lease of an attempt.
LEASE = 61
AT_MOST = 10_000


@pytest.fixture
def channels(house: House, peers: Peers) -> None:
    house.mail_channel()
    house.slack_channel()
    house.webhook(peers.receiver)
    for inbox in peers.inboxes.values():
        inbox.expect(lambda _: True, "messages", at_most=AT_MOST)


def receipts(peers: Peers) -> dict[str, Counter[str]]:
    """How often each message came, by the id that tells repeats."""
    mails = [str(mail["X-HITL-Delivery"]) for mail in peers.smtp.mails]
    posts = [_slack_id(message) for message in peers.slack.messages.values()]
    hooks = [one.headers["webhook-id"].removeprefix("msg_") for one in peers.receiver.received]
    return {"email": Counter(mails), "slack": Counter(posts), "webhook": Counter(hooks)}


def _slack_id(message: dict[str, Any]) -> str:
    return str(message["metadata"]["event_payload"]["delivery_id"])


def assert_nothing_is_lost(house: House, peers: Peers) -> None:
    """Every message came at least once, under its own id, and is on record as sent."""
    came = receipts(peers)
    planned = {one.pk: one for one in Delivery.objects.all()}
    assert {one.status for one in planned.values()} == {"sent"}
    for transport, counted in came.items():
        ours = {str(pk): d.attempts for pk, d in planned.items() if d.transport == transport}
        assert set(counted) == set(ours)
        assert all(counted[one] <= ours[one] for one in ours)
    asked = {str(pk) for pk in ApprovalRequest.objects.values_list("pk", flat=True)}
    about: dict[str, set[str]] = {}
    for one in peers.receiver.received:
        about.setdefault(one.headers["webhook-id"], set()).add(one.json["data"]["id"])
    assert {len(requests) for requests in about.values()} == {1}
    assert set().union(*about.values()) == asked
    noticed = Counter(Notice.objects.values_list("notification__request", "user"))
    assert set(noticed.values()) == {1}
    assert len(noticed) == len(asked) * len(house.people)


@pytest.mark.timeout(600)
def test_a_hundred_kills_between_attempt_and_record(
    house: House,
    peers: Peers,
    channels: None,
    nursery: Nursery,
    advance_clock: Callable[..., None],
) -> None:
    inboxes = list(peers.inboxes.items())
    dice = random.Random(100)
    for number in range(KILLS):
        transport, inbox = inboxes[number % 3]
        waiting = Delivery.objects.filter(status="queued", transport=transport).count()
        submit(house.key, facts=HARD, description=f"Refund {number}")
        inbox.hold(after=dice.randint(0, waiting))
        sender = nursery.give_birth()
        inbox.wait_for_held(1, timeout=20)
        if number % 4 == 3:
            # The answer is on its way: the kill falls before, into or after its record.
            inbox.release()
        nursery.kill(sender)
        assert nursery.wait() == -9
        inbox.release()
        advance_clock(seconds=LEASE)
    unfinished = DeliveryAttempt.objects.filter(outcome=None).count()
    assert unfinished >= KILLS * 3 // 4
    _send_the_rest(nursery, advance_clock)
    assert_nothing_is_lost(house, peers)
    repeats = sum(sum(c.values()) - len(c) for c in receipts(peers).values())
    assert repeats >= KILLS * 3 // 4


@pytest.mark.timeout(600)
def test_kills_at_any_moment(
    house: House,
    peers: Peers,
    channels: None,
    nursery: Nursery,
    advance_clock: Callable[..., None],
) -> None:
    """While it plans, claims, sends or records."""
    dice = random.Random(7)
    for number in range(40):
        for part in range(2):
            submit(house.key, facts=HARD, description=f"Refund {number}.{part}")
        sender = nursery.give_birth()
        time.sleep(dice.uniform(0, 0.15))
        nursery.kill(sender)
        nursery.wait()
        advance_clock(seconds=LEASE)
    _send_the_rest(nursery, advance_clock)
    assert_nothing_is_lost(house, peers)


def _send_the_rest(nursery: Nursery, advance_clock: Callable[..., None]) -> None:
    for _ in range(20):
        nursery.give_birth()
        assert nursery.wait() == 0
        if not Delivery.objects.filter(status="queued").exists():
            return
        advance_clock(seconds=LEASE)
    raise AssertionError("some messages are still waiting")


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_killed_workers(
    house: House,
    peers: Peers,
    channels: None,
    committed_db: str,
    tmp_path: Path,
    advance_clock: Callable[..., None],
) -> None:
    """The same with the processes that the console runs."""
    with console(committed_db, tmp_path, **peers.variables) as running:
        running.beat()
        for number in range(5):
            submit(house.key, facts=HARD, description=f"Refund {number}")
            peers.receiver.inbox.hold()
            worker = running.worker()
            peers.receiver.inbox.wait_for_held(1, timeout=30)
            worker.kill()
            peers.receiver.inbox.release()
            advance_clock(seconds=LEASE)
        running.worker()
        everything = Delivery.objects.all
        wait_until(lambda: not everything().exclude(status="sent").exists(), "all is sent")
    assert_nothing_is_lost(house, peers)
    assert sum(receipts(peers)["webhook"].values()) >= 10
