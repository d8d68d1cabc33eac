"""A decision against the timeout, five hundred times, by two processes."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from approvals.models import ApprovalRequest, Decision
from audit.models import AuditEvent
from hitlconsole.local.paths import ROOT
from tests.approvals.helpers import trail
from tests.factories import HARD, make_agent, make_reviewer, make_team, submit
from tests.processes import for_database

pytestmark = pytest.mark.stack
RACES = 500
# As far apart as both take to begin: sometimes one is first, sometimes the other.
HEAD_START = 0.004


@contextmanager
def racer(database: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    url = for_database(os.environ["DATABASE_URL"], database)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.races.racer", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert hear(process) == "ready"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def say(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{words}\n")
    process.stdin.flush()


def test_a_decision_against_the_timeout_has_one_outcome_each(committed_db: str) -> None:
    team = make_team()
    ana = make_reviewer(team, "ana@example.com")
    _, key = make_agent(team)
    requests = [submit(key, facts=HARD, description=f"race {n}") for n in range(RACES)]
    # At the last tier a timeout closes the request: the harshest rival of a decision.
    for request in requests:
        ApprovalRequest.objects.filter(pk=request.pk).update(
            status="escalated", tier=1, deadline=request.created_at
        )
    said: Counter[tuple[str, str]] = Counter()
    chance = random.Random(7)
    with ExitStack() as stack:
        decider = stack.enter_context(racer(committed_db, "decide", ana.email))
        sweeper = stack.enter_context(racer(committed_db, "due"))
        for request in requests:
            first, second = (decider, sweeper) if chance.random() < 0.5 else (sweeper, decider)
            say(first, str(request.id))
            time.sleep(chance.random() * HEAD_START)
            say(second, str(request.id))
            said[hear(decider), hear(sweeper)] += 1
    # Whoever is first wins, and the other is told so.
    assert set(said) == {("decided", "nothing"), ("already_closed", "changed")}
    states = Counter(ApprovalRequest.objects.values_list("status", flat=True))
    assert states == {
        "approved": said["decided", "nothing"],
        "expired": said["already_closed", "changed"],
    }
    closing = AuditEvent.objects.filter(type__in=["approved", "timeout"])
    assert closing.count() == closing.values("request_id").distinct().count() == RACES
    late = Decision.objects.filter(effect="late").count()
    assert late == states["expired"]
    for request in requests[:20]:
        assert trail(request)[0] == "requested"
