"""Redis only wakes: when it dies and comes back empty, nothing that was to be told is lost."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from approvals.models import Delivery, Notification
from tests.delivery.conftest import House, Peers
from tests.peers.smtp import text_of
from tests.processes import console, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

REQUESTS = 200


def ask(agent: httpx.Client, number: int) -> str:
    """A request that waits at HARD_APPROVAL; its id."""
    body = {
        "action": {"type": "refund.create", "arguments": {"order": str(number)}},
        "description": f"Refund order {number}",
        "risk": {"reversible": False, "cost_usd": "420.00"},
    }
    answer = agent.post("/api/v1/requests", json=body)
    assert (answer.status_code, answer.json()["level"]) == (202, "HARD_APPROVAL")
    return str(answer.json()["id"])


def everything_is_sent() -> bool:
    planned = not Notification.objects.filter(status="queued").exists()
    return planned and not Delivery.objects.exclude(status="sent").exists()


def test_two_hundred_notices_outlive_redis(
    house: House,
    peers: Peers,
    committed_db: str,
    tmp_path: Path,
    advance_clock: Callable[..., None],
) -> None:
    house.mail_channel()
    house.webhook(peers.receiver)
    people = {"ana@example.com", "ben@example.com"}
    peers.smtp.expect(lambda mail: str(mail["To"]) in people, "mails", at_most=2 * REQUESTS)
    peers.receiver.expect(words="webhooks", at_least=REQUESTS, at_most=REQUESTS)
    with console(committed_db, tmp_path, **peers.variables) as running:
        web = running.web()
        running.worker()
        running.beat()
        headers = {"Authorization": f"Bearer {house.key}"}
        with httpx.Client(base_url=web.url, headers=headers) as agent:
            peers.receiver.inbox.hold(after=20)
            ids = [ask(agent, number) for number in range(80)]
            peers.receiver.inbox.wait_for_held(1, timeout=60)
            running.redis.kill()
            peers.receiver.inbox.release()
            ids += [ask(agent, number) for number in range(80, 140)]
            running.redis.start_empty()
            ids += [ask(agent, number) for number in range(140, REQUESTS)]
        peers.receiver.wait_for(REQUESTS, timeout=90)
        advance_clock(seconds=11)
        wait_until(everything_is_sent, "everything is sent")
    assert Counter(one.json["data"]["id"] for one in peers.receiver.received) == Counter(ids)
    assert _mailed(peers) == Counter((person, pk) for person in people for pk in ids)


def _mailed(peers: Peers) -> Counter[tuple[str, str]]:
    """How often each person was told of each request, over all mails."""
    told: Counter[tuple[str, str]] = Counter()
    for mail in peers.smtp.mails:
        listed = set(re.findall(r"/requests/([0-9a-f-]{36})/", text_of(mail)))
        told.update((str(mail["To"]), pk) for pk in listed)
    return told
