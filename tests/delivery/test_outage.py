"""The scheduler was away for an hour, over a thousand requests; then two of each come back."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from approvals.models import ApprovalRequest, Delivery, Notice, Notification
from approvals.services.escalations import save_escalation
from approvals.services.intake import submit_requests
from approvals.services.intake_sql import Item
from audit.models import AuditEvent
from autonomy.policy.facts import Facts
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.models import Role, Team, User
from hitlconsole.lib.clock import database_now
from tests.approvals.helpers import decide, keep_console_up
from tests.delivery.conftest import House, Nursery, Peers
from tests.factories import (
    HARD,
    SOFT,
    make_action_type,
    make_admin,
    make_agent,
    make_reviewer,
    make_submission,
    make_team,
)
from tests.peers.smtp import text_of
from tests.processes import console, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

LINK = re.compile(r"/requests/([0-9a-f-]{36})/")
# Who was told, of which request, of what.
Told = tuple[str, UUID, str]


@dataclass(frozen=True)
class Groups:
    """What was waiting when the scheduler went away."""

    told: list[UUID]
    untold: list[UUID]
    hard: list[UUID]
    last: list[UUID]
    asked: list[UUID]

    @property
    def everything(self) -> list[UUID]:
        return [*self.told, *self.untold, *self.hard, *self.last, *self.asked]


def submit_many(key: str, facts: Facts, count: int) -> list[UUID]:
    caller = authenticate(key)
    items = [Item(caller, make_submission(facts=facts, description=f"{n}")) for n in range(count)]
    return [answer.request_id for answer in submit_requests(items)]


@pytest.fixture
def lead(house: House) -> User:
    """Is told from the second tier on."""
    return make_reviewer(house.team, "lead@example.com", role=Role.ADMIN)


@pytest.fixture
def solo() -> tuple[Team, User, str]:
    """A team with a single tier: its hard time limit is the end."""
    team = make_team("Solo")
    dan = make_reviewer(team, "dan@example.com")
    tiers = [{"name": "All", "targets": [{"kind": "reviewers"}]}]
    save_escalation(team, {"tiers": tiers}, revision=0, by=make_admin())
    return team, dan, make_agent(team)[1]


@pytest.fixture
def groups(
    house: House,
    peers: Peers,
    nursery: Nursery,
    lead: User,
    solo: tuple[Team, User, str],
    advance_clock: Callable[..., None],
) -> Groups:
    """An hour after the scheduler has stopped: all of their deadlines have passed."""
    house.mail_channel()
    house.slack_channel(role="backup")
    for inbox in (peers.smtp.inbox, peers.slack.inbox):
        inbox.expect(lambda _: True, "messages", at_most=1000)
    make_action_type("refund.create", hard_seconds=1800)
    told, hard = submit_many(house.key, SOFT, 300), submit_many(house.key, HARD, 200)
    last, asked = submit_many(solo[2], HARD, 200), submit_many(house.key, HARD, 100)
    send_everything(nursery, advance_clock)
    for request in ApprovalRequest.objects.filter(pk__in=asked):
        decide(request, house.ana, "ask")
    # Of these nobody is told before all is at a stand.
    untold = submit_many(house.key, SOFT, 200)
    keep_console_up(ApprovalRequest.objects.get(pk=told[0]))
    advance_clock(hours=1)
    return Groups(told, untold, hard, last, asked)


def send_everything(nursery: Nursery, advance_clock: Callable[..., None]) -> None:
    for _ in range(5):
        nursery.give_birth()
        assert nursery.wait() == 0
        if not Delivery.objects.exclude(status="sent").exists():
            return
        advance_clock(seconds=11)
    raise AssertionError("some messages are still waiting")


def nothing_is_left() -> bool:
    overdue = ApprovalRequest.objects.filter(deadline__lte=database_now())
    news = Notification.objects.filter(status="queued")
    messages = Delivery.objects.filter(status="queued")
    return not overdue.exists() and not news.exists() and not messages.exists()


def ends(ids: Iterable[UUID]) -> Counter[tuple[str, str | None, int, int, str]]:
    found = ApprovalRequest.objects.filter(pk__in=ids)
    return Counter(found.values_list("status", "resolution", "level", "tier", "reason"))


def mailed(peers: Peers) -> Counter[Told]:
    """Over all mails, folded ones included: the link of each request stands in what told of it."""
    kinds = {str(one.pk): one.kind for one in Delivery.objects.all()}
    return Counter(
        (str(mail["To"]), UUID(pk), kinds[str(mail["X-HITL-Delivery"])])
        for mail in peers.smtp.mails
        for pk in set(LINK.findall(text_of(mail)))
    )


def noticed() -> Counter[Told]:
    fields = ("user__email", "notification__request", "notification__kind")
    return Counter(Notice.objects.values_list(*fields))


def posted(peers: Peers) -> Counter[UUID]:
    return Counter(
        UUID(pk)
        for message in peers.slack.messages.values()
        for pk in set(LINK.findall(json.dumps(message["blocks"])))
    )


def expected(groups: Groups, house: House, lead: User, dan: User) -> Counter[Told]:
    """Each person once for each tier that has told them of a request."""
    team = [house.ana.email, house.ben.email]
    waiting, escalated = "request_waiting", "request_escalated"
    told = [
        (groups.told + groups.hard + groups.asked, team, waiting),
        # The first tier hears of it for the first time when it escalates.
        (groups.untold, team, escalated),
        (groups.hard + groups.asked, [*team, lead.email], escalated),
        (groups.last, [dan.email], waiting),
        (groups.last, [dan.email], "request_expired"),
    ]
    return Counter((who, pk, kind) for ids, people, kind in told for pk in ids for who in people)


def test_everything_ends_as_it_has_to_and_everybody_is_told_once(
    groups: Groups,
    house: House,
    peers: Peers,
    lead: User,
    solo: tuple[Team, User, str],
    committed_db: str,
    tmp_path: Path,
    advance_clock: Callable[..., None],
) -> None:
    before = len(peers.smtp.mails)
    assert len(groups.everything) == 1000
    with console(committed_db, tmp_path, **peers.variables) as running:
        for _ in range(2):
            running.worker()
        for _ in range(2):
            running.beat()
        overdue = ApprovalRequest.objects.filter(deadline__lte=database_now())
        wait_until(lambda: not overdue.exists(), "every time limit was enforced")
        # What is folded waits a little for more to come.
        advance_clock(seconds=11)
        wait_until(nothing_is_left, "everything is told")
    assert ends(groups.told) == {("approved", "silent_consent", 2, 0, "silence"): 300}
    assert ends(groups.untold) == {("escalated", None, 3, 0, "no_notice"): 200}
    assert ends(groups.hard) == {("escalated", None, 3, 1, "time_limit"): 200}
    assert ends(groups.last) == {("expired", "exhausted", 3, 0, "exhausted"): 200}
    assert ends(groups.asked) == {("escalated", None, 3, 1, "no_answer"): 100}
    timeouts = AuditEvent.objects.filter(type="timeout").values_list("request_id", flat=True)
    assert Counter(timeouts) == Counter(groups.everything)
    wanted = expected(groups, house, lead, solo[1])
    assert mailed(peers) == wanted
    assert noticed() == wanted
    escalated = groups.untold + groups.hard + groups.asked
    assert posted(peers) == Counter(escalated)
    # No flood: thousands of notices come in some dozens of messages.
    assert len(peers.smtp.mails) - before <= 40
    assert len(peers.slack.messages) <= 30
