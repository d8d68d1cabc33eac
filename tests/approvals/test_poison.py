"""One row that always fails holds up nothing else."""

from typing import Any
from uuid import UUID

import pytest

from approvals.models import ApprovalRequest, Hold, Takeover
from approvals.services import acknowledgement, deadlines, holds, verdicts
from approvals.services.acknowledgement import sweep_takeovers
from approvals.services.changes import takeover_news
from approvals.services.deadlines import sweep_due, sweep_holds
from approvals.tasks import sweep_due as sweep_task
from approvals.vocabulary import Verdict
from hitlconsole.accounts.models import User
from tests.approvals.helpers import decide, trail
from tests.factories import HARD, TAKEOVER, make_agent, submit

pytestmark = pytest.mark.django_db


def test_a_takeover_that_fails_stops_neither_the_others_nor_the_requests(
    key, team, ana, advance_clock, monkeypatch, caplog
) -> None:
    submit(key, facts=TAKEOVER)
    first = Takeover.objects.get()
    submit(make_agent(team)[1], facts=TAKEOVER)
    waiting = submit(make_agent(team)[1], facts=HARD)
    ApprovalRequest.objects.filter(pk=waiting.pk).update(deadline=waiting.created_at)

    def fail(takeover: Takeover, *rest: Any) -> Any:
        if takeover.pk == first.pk:
            raise RuntimeError("bad row")
        return takeover_news(takeover, *rest)

    monkeypatch.setattr(acknowledgement, "takeover_news", fail)
    advance_clock(seconds=1000)
    assert sweep_task() >= 2
    assert sorted(Takeover.objects.values_list("tier", flat=True)) == [0, 1]
    waiting.refresh_from_db()
    assert waiting.status == "escalated"
    assert f"takeover {first.pk}" in caplog.text
    monkeypatch.undo()
    assert sweep_takeovers() == 1


def test_more_failing_requests_than_a_batch_do_not_hide_the_others(
    key, ana, advance_clock, monkeypatch, caplog
) -> None:
    bad: set[UUID] = {submit(key, facts=HARD).id for _ in range(4)}
    good = submit(key, facts=HARD)
    real = deadlines._step

    def fail(request: ApprovalRequest, around: Any) -> Any:
        if request.id in bad:
            raise RuntimeError("bad row")
        return real(request, around)

    monkeypatch.setattr(deadlines, "_step", fail)
    advance_clock(days=1, seconds=1)
    assert sweep_due(limit=2) == 1
    good.refresh_from_db()
    assert good.status == "escalated"


def hold(request: ApprovalRequest, who: User) -> ApprovalRequest:
    return decide(request, who, "approve", hold_seconds=5, token="one")


def fail_for(monkeypatch: pytest.MonkeyPatch, bad: set[UUID]) -> None:
    real = verdicts.APPLY[Verdict.APPROVE]

    def fail(locked: Any, given: Any) -> None:
        if locked.request.id in bad:
            raise RuntimeError("bad row")
        real(locked, given)

    monkeypatch.setitem(verdicts.APPLY, Verdict.APPROVE, fail)


def test_a_verdict_that_cannot_count_stops_no_other_and_is_given_up(
    key, ana, advance_clock, monkeypatch, caplog
) -> None:
    bad, good = (hold(submit(key, facts=HARD), ana) for _ in range(2))
    fail_for(monkeypatch, {bad.id})
    advance_clock(seconds=6)
    assert sweep_holds() == 1
    good.refresh_from_db()
    assert good.status == "approved"
    assert f"what request {bad.id} holds cannot count" in caplog.text
    assert trail(bad) == ["requested", "held"]
    advance_clock(minutes=5)
    assert sweep_holds() == 1
    assert sweep_holds() == 0
    assert trail(bad) == ["requested", "held", "hold_cancelled"]
    gone = Hold.objects.get(request=bad)
    assert (gone.end, gone.end_reason) == ("cancelled", "It could not be applied")
    decide(bad, ana, "reject")
    bad.refresh_from_db()
    assert (bad.status, bad.held_until) == ("rejected", None)


def test_its_deadline_is_kept(key, ana, advance_clock, monkeypatch, caplog) -> None:
    bad = hold(submit(key, facts=HARD), ana)
    fail_for(monkeypatch, {bad.id})
    advance_clock(days=1, seconds=1)
    assert sweep_task() == 2
    bad.refresh_from_db()
    assert bad.status == "escalated"
    assert trail(bad) == ["requested", "held", "hold_cancelled", "timeout"]


def test_what_cannot_even_be_given_up_leaves_the_deadlines_alone(
    key, ana, advance_clock, monkeypatch, caplog
) -> None:
    bad = hold(submit(key, facts=HARD), ana)
    other = submit(key, facts=HARD)
    fail_for(monkeypatch, {bad.id})
    monkeypatch.setattr(holds, "cancel_holds", fail_always)
    advance_clock(days=1, seconds=1)
    assert sweep_task() == 1
    other.refresh_from_db()
    assert other.status == "escalated"


def fail_always(*_: Any) -> Any:
    raise RuntimeError("bad row")


def test_held_requests_take_no_place_of_those_that_are_due(key, ana, advance_clock) -> None:
    for _ in range(3):
        hold(submit(key, facts=HARD), ana)
    waiting = submit(key, facts=HARD)
    advance_clock(days=1, seconds=1)
    assert sweep_due(limit=2) == 1
    waiting.refresh_from_db()
    assert waiting.status == "escalated"
