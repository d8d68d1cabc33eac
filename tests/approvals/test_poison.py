"""One row that always fails holds up nothing else."""

from typing import Any
from uuid import UUID

import pytest

from approvals.models import ApprovalRequest, Takeover
from approvals.services import acknowledgement, deadlines
from approvals.services.acknowledgement import sweep_takeovers
from approvals.services.changes import takeover_news
from approvals.services.deadlines import sweep_due
from approvals.tasks import sweep_due as sweep_task
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
