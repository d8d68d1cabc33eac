"""Several at once, with real threads and real commits: a request closes once."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from approvals.models import ApprovalRequest, Decision, Notification
from approvals.services.deadlines import run_due_step, sweep_due
from approvals.services.decide import decide_request
from approvals.services.exchange import withdraw_request
from approvals.services.executions import claim_execution, report_outcome
from approvals.services.intake import submit_requests
from approvals.services.intake_sql import Item
from approvals.services.locking import lock_agent
from approvals.vocabulary import Channel, Verdict
from audit.events import SYSTEM
from audit.models import AuditEvent
from autonomy.models import Outcome
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.services import change_agent, create_key
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import trail
from tests.conftest import close_pool
from tests.factories import (
    HARD,
    TAKEOVER,
    ask,
    make_agent,
    make_reviewer,
    make_submission,
    make_team,
    submit,
)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave, or the problem it raised; all start at the same instant."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            results[place] = call()
        except Problem as problem:
            results[place] = problem
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.fixture
def wide_pool(committed_db: str, settings) -> None:
    pool = connection.settings_dict["OPTIONS"]["pool"]
    before = pool["max_size"]
    close_pool()
    pool["max_size"] = 60
    yield
    close_pool()
    pool["max_size"] = before


def closing_events(request_id: Any) -> list[AuditEvent]:
    closing = AuditEvent.objects.filter(request_id=request_id).exclude(reviewer_decision=None)
    return [e for e in closing if json.loads(bytes(e.entry))["resolution"] is not None
            and e.type != "late_answer"]  # fmt: skip


def test_fifty_people_decide_the_same_request(wide_pool) -> None:
    team = make_team()
    _, key = make_agent(team)
    request = submit(key, facts=HARD)
    people = [make_reviewer(team) for _ in range(50)]
    verdicts = [Verdict.APPROVE, Verdict.REJECT] * 25

    def decide(person, verdict):
        return lambda: decide_request(
            request_id=request.id, reviewer=person, verdict=verdict, revision=1,
            channel=Channel.API, notes="because", acknowledged="looked at",
        )  # fmt: skip

    results = at_once(*map(decide, people, verdicts))
    winners = [r for r in results if isinstance(r, ApprovalRequest)]
    losers = [r for r in results if isinstance(r, Problem)]
    assert (len(winners), len(losers)) == (1, 49)
    winner = Decision.objects.get(effect="closed")
    word = {"approve": "Approved", "reject": "Rejected"}[winner.verdict]
    assert {p.code for p in losers} == {"already_closed"}
    assert all(p.detail.startswith(f"{word} by {winner.reviewer.name} ") for p in losers)
    assert {p.extra["request"]["status"] for p in losers} == {winners[0].status}
    assert Counter(Decision.objects.values_list("effect", flat=True)) == {"closed": 1, "late": 49}
    assert len(closing_events(request.id)) == 1
    assert len(trail(request)) == 51


def test_a_decision_and_the_timeout_race_two_hundred_times(wide_pool) -> None:
    team = make_team()
    ana = make_reviewer(team)
    _, key = make_agent(team)
    outcomes: Counter[str] = Counter()
    for number in range(200):
        request = submit(key, facts=HARD, description=f"race {number}")
        # At the last tier a timeout closes the request: the harshest rival of a decision.
        ApprovalRequest.objects.filter(pk=request.pk).update(
            status="escalated", tier=1, deadline=request.created_at
        )
        before = Notification.objects.filter(request=request).count()
        at_once(
            lambda request=request: decide_request(
                request_id=request.id, reviewer=ana, verdict=Verdict.APPROVE, revision=1,
                channel=Channel.API, acknowledged="looked at",
            ),
            lambda request=request: run_due_step(request.id, channel=Channel.SWEEP),
        )  # fmt: skip
        after = ApprovalRequest.objects.get(pk=request.pk)
        outcomes[after.status] += 1
        (event,) = closing_events(request.id)
        assert event.reviewer_decision == after.status
        told = Notification.objects.filter(request=request).order_by("id")
        kind = "request_expired" if after.status == "expired" else "request_closed"
        assert [one.kind for one in told][before:] == [kind]
        decisions = list(Decision.objects.filter(request=request).values_list("effect", flat=True))
        assert decisions == (["closed"] if after.status == "approved" else ["late"])
    assert sum(outcomes.values()) == 200
    assert set(outcomes) <= {"approved", "expired"}


def test_everything_at_once_closes_it_once(wide_pool) -> None:
    team = make_team()
    people = [make_reviewer(team) for _ in range(4)]
    agent, key = make_agent(team)
    for number in range(20):
        request = submit(key, facts=HARD, description=f"all {number}")
        ApprovalRequest.objects.filter(pk=request.pk).update(
            status="escalated", tier=1, deadline=request.created_at
        )

        def verdict(person, word, request=request):
            return lambda: decide_request(
                request_id=request.id, reviewer=person, verdict=word, revision=1,
                channel=Channel.API, notes="because", acknowledged="looked at",
            )  # fmt: skip

        at_once(
            verdict(people[0], Verdict.APPROVE),
            verdict(people[1], Verdict.REJECT),
            lambda request=request: withdraw_request(agent_id=agent.id, request_id=request.id),
            lambda request=request: run_due_step(request.id, channel=Channel.POLL),
            lambda: sweep_due(),
        )
        assert len(closing_events(request.id)) == 1
        trail(request)


def test_fifty_claims_give_one_execution(wide_pool) -> None:
    team = make_team()
    ana = make_reviewer(team)
    agent, key = make_agent(team)
    request = submit(key, facts=HARD)
    decide_request(
        request_id=request.id, reviewer=ana, verdict=Verdict.APPROVE, revision=1,
        channel=Channel.API, acknowledged="looked at",
    )  # fmt: skip

    def claim(number):
        return lambda: claim_execution(
            agent_id=agent.id, request_id=request.id, claim_id=f"claim-{number}"
        )

    results = at_once(*map(claim, range(50)))
    refusals = [r.code for r in results if isinstance(r, Problem)]
    assert refusals == ["already_executed"] * 49
    assert AuditEvent.objects.filter(type="execution_claimed").count() == 1

    def report(number):
        result = "success" if number % 2 else "failure"
        return lambda: report_outcome(agent_id=agent.id, request_id=request.id, result=result)

    reports = at_once(*map(report, range(20)))
    assert Outcome.objects.count() == 1
    assert [stored for r in reports if not isinstance(r, Problem) for stored in r[1:]].count(
        True
    ) == 1
    assert AuditEvent.objects.filter(type="outcome_reported").count() == 1


def test_the_same_idempotency_key_at_once_makes_one_request(wide_pool) -> None:
    _, key = make_agent(make_team())
    results = at_once(*[lambda: ask(key, idempotency_key="k")] * 20)
    assert len({r.request_id for r in results}) == 1
    assert sorted(r.replayed for r in results) == [False] + [True] * 19
    assert ApprovalRequest.objects.count() == 1
    assert AuditEvent.objects.filter(type="requested").count() == 1


def test_takeovers_and_submissions_at_once(wide_pool) -> None:
    """Whoever comes after the stop is refused; nobody deadlocks, one takeover is open."""
    _, key = make_agent(make_team())
    calls = [lambda: ask(key, facts=TAKEOVER)] * 5 + [lambda: ask(key, facts=HARD)] * 15
    results = at_once(*calls)
    codes = Counter(r.code if isinstance(r, Problem) else "stored" for r in results)
    assert set(codes) <= {"stored", "agent_read_only"}
    taken = [r for r in ApprovalRequest.objects.all() if r.status == "taken_over"]
    assert len(taken) == 1
    assert ApprovalRequest.objects.filter(status="pending", deadline__isnull=False).count() == 0
    assert codes["stored"] == ApprovalRequest.objects.count()


def test_groups_with_the_same_keys_in_another_order(wide_pool) -> None:
    """A repeated batch beside the first one: they wait for each other in one order."""
    _, key = make_agent(make_team())
    caller = authenticate(key)
    for number in range(5):
        items = [Item(caller, make_submission(idempotency_key=f"{number}-{n}")) for n in range(40)]
        first, second = at_once(
            lambda items=items: submit_requests(items),
            lambda items=items: submit_requests(items[::-1]),
        )
        assert [a.request_id for a in first] == [a.request_id for a in second[::-1]]
    assert ApprovalRequest.objects.count() == 200


def test_a_new_key_and_a_change_of_its_agent(committed_db: str) -> None:
    """The pause between a key's event and its commit must not turn into a deadlock."""
    team = make_team()
    agent, _ = make_agent(team)
    begun = threading.Event()

    def change() -> None:
        begun.set()
        change_agent(agent, description="x", team=team, owner=None, disabled=False, by=SYSTEM)

    def add_key() -> None:
        with transaction.atomic():
            create_key(agent)
            begun.wait(timeout=10)
            time.sleep(0.3)

    at_once(add_key, change)
    agent.refresh_from_db()
    assert (agent.description, agent.keys.count()) == ("x", 2)


def test_the_sweep_goes_around_an_agent_that_is_held(committed_db: str, advance_clock) -> None:
    team = make_team()
    held, held_key = make_agent(team)
    requests = [submit(held_key), submit(make_agent(team)[1])]
    advance_clock(seconds=301)
    with transaction.atomic():
        lock_agent(held.id)
        (swept,) = at_once(sweep_due)
    assert swept == 1
    after = [ApprovalRequest.objects.get(pk=request.pk).status for request in requests]
    assert after == ["pending", "escalated"]
