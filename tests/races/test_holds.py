"""A held verdict meets its undoing, a rejection and two schedulers in the same instant."""

from collections import Counter
from datetime import timedelta
from typing import Any

from approvals.models import ApprovalRequest, Decision, Hold
from approvals.services.deadlines import run_due_step, sweep_holds
from approvals.services.decide import decide_request
from approvals.services.holds import undo_hold
from approvals.vocabulary import Channel, Verdict
from hitlconsole.accounts.models import User
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import trail
from tests.factories import make_agent, make_reviewer, make_team, submit
from tests.races.test_decisions import at_once, wide_pool

__all__ = ["wide_pool"]


def decide(request: ApprovalRequest, who: User, verdict: Verdict, hold_seconds: int) -> Any:
    return decide_request(
        request_id=request.id,
        reviewer=who,
        verdict=verdict,
        revision=1,
        channel=Channel.WEB,
        notes="because",
        token=f"{who.email} {verdict}",
        hold_seconds=hold_seconds,
    )


def make_due(request: ApprovalRequest) -> None:
    past = request.created_at - timedelta(seconds=1)
    Hold.objects.filter(request=request, end=None).update(counts_at=past)
    ApprovalRequest.objects.filter(pk=request.pk).update(held_until=past)


def test_undoing_and_counting_race_a_hundred_times(wide_pool) -> None:
    """Whichever comes first: one of them happened, never both, and the person is told which."""
    team = make_team()
    ana = make_reviewer(team)
    _, key = make_agent(team)
    ends: Counter[str] = Counter()
    for number in range(100):
        request = submit(key, description=f"race {number}")
        decide(request, ana, Verdict.APPROVE, 5)
        if number % 2:
            make_due(request)
        undone, *_ = at_once(
            lambda request=request: undo_hold(request_id=request.id, reviewer=ana),
            lambda request=request: run_due_step(request.id, channel=Channel.SWEEP),
            lambda request=request: run_due_step(request.id, channel=Channel.POLL),
            sweep_holds,
        )
        end = Hold.objects.get(request=request).end
        ends[str(end)] += 1
        request.refresh_from_db()
        decisions = Decision.objects.filter(request=request).count()
        if end == "counted":
            assert isinstance(undone, Problem)
            assert (request.status, decisions) == ("approved", 1)
            assert trail(request) == ["requested", "held", "approved"]
        else:
            assert not isinstance(undone, Problem)
            assert (request.status, decisions) == ("pending", 0)
            assert trail(request) == ["requested", "held", "hold_undone"]
        assert request.held_until is None
    assert ends == {"counted": 50, "undone": 50}


def test_a_rejection_and_a_held_approval_that_counts_race_a_hundred_times(wide_pool) -> None:
    team = make_team()
    ana, ben = make_reviewer(team), make_reviewer(team)
    _, key = make_agent(team)
    for number in range(100):
        request = submit(key, description=f"race {number}")
        decide(request, ana, Verdict.APPROVE, 5)
        make_due(request)
        rejected, *_ = at_once(
            lambda request=request: decide(request, ben, Verdict.REJECT, 0),
            lambda request=request: run_due_step(request.id, channel=Channel.SWEEP),
        )
        request.refresh_from_db()
        # What was due counts first, whoever comes first to the lock.
        assert (request.status, request.closing_decision.reviewer) == ("approved", ana)
        assert isinstance(rejected, Problem)
        assert rejected.code == "already_closed"
        effects = Counter(Decision.objects.filter(request=request).values_list("effect", flat=True))
        assert effects == {"closed": 1, "late": 1}


def test_fifty_people_hold_the_same_request(wide_pool) -> None:
    team = make_team()
    people = [make_reviewer(team) for _ in range(50)]
    _, key = make_agent(team)
    request = submit(key)
    results = at_once(*[lambda who=who: decide(request, who, Verdict.APPROVE, 5) for who in people])
    problems = [r for r in results if isinstance(r, Problem)]
    assert [p.code for p in problems] == ["decision_held"] * 49
    assert Hold.objects.count() == 1
    make_due(request)
    assert sweep_holds() == 1
    assert Decision.objects.get().reviewer_id == Hold.objects.get().reviewer_id
