"""Level 4: the agent stops in the transaction of its request, and an admin lets it go on."""

import pytest

from approvals.models import Notification, Takeover
from approvals.representation import represent_request
from approvals.services.deadlines import sweep_due
from approvals.services.exchange import post_message, withdraw_request
from approvals.services.executions import claim_execution, report_outcome
from approvals.services.takeovers import release_takeover
from audit.models import AuditEvent
from autonomy.models import AutonomyProfile, Outcome
from hitlconsole.accounts.models import Agent
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload, trail
from tests.factories import (
    HARD,
    TAKEOVER,
    ask,
    make_action_type,
    make_admin,
    submit,
)

pytestmark = pytest.mark.django_db


def code_of(call, *args, **kwargs) -> str:
    with pytest.raises(Problem) as caught:
        call(*args, **kwargs)
    return caught.value.code


def test_a_submission_at_level_four_stops_the_agent(agent_and_key, ana) -> None:
    agent, key = agent_and_key
    soft, hard = submit(key), submit(key, facts=HARD)
    approved = submit(key, facts=HARD)
    decide(approved, ana, "approve")
    answer = ask(key, facts=TAKEOVER)
    assert answer.http_status == 202
    takeover = Takeover.objects.get()
    agent.refresh_from_db()
    assert (agent.status, takeover.source, takeover.request_id) == (
        "read_only", "policy", answer.request_id
    )  # fmt: skip
    assert sorted(takeover.open_request_ids) == sorted([soft.id, hard.id])
    assert reload(soft).level == 3
    assert [reload(r).deadline for r in (soft, hard)] == [None, None]
    assert Notification.objects.filter(kind="takeover_started", takeover=takeover).count() == 1
    assert [e.type for e in AuditEvent.objects.filter(agent_id=agent.id).order_by("-id")][:1] == [
        "agent_read_only"
    ]


def test_a_read_only_agent(agent_and_key, ana, advance_clock) -> None:
    agent, key = agent_and_key
    make_action_type("order.lookup", side_effects=False)
    request, approved = submit(key), submit(key, facts=HARD)
    decide(approved, ana, "approve")
    executed = submit(key, facts=HARD)
    decide(executed, ana, "approve")
    claim_execution(agent_id=agent.id, request_id=executed.id, claim_id="c")
    submit(key, facts=TAKEOVER)
    takeover = Takeover.objects.get()

    refusal = ask(key)
    assert (refusal.code, refusal.extra) == ("agent_read_only", {"takeover": str(takeover.id)})
    assert submit(key, action_type="order.lookup", arguments={}, facts=HARD).status == "pending"
    own = {"agent_id": agent.id, "request_id": request.id}
    assert code_of(decide, request, ana, "approve") == "agent_read_only"
    claim = {"agent_id": agent.id, "request_id": approved.id, "claim_id": "c"}
    assert code_of(claim_execution, **claim) == "agent_read_only"
    post_message(**own, text="still here")
    report_outcome(agent_id=agent.id, request_id=executed.id, result="success")
    advance_clock(days=3)
    sweep_due()
    assert reload(request).status == "pending"
    assert withdraw_request(**own).status == "cancelled"


def test_rejecting_stays_possible(agent_and_key, ana) -> None:
    request = submit(agent_and_key[1])
    submit(agent_and_key[1], facts=TAKEOVER)
    assert decide(request, ana, "reject").status == "rejected"


def test_release_lets_it_go_on(agent_and_key, ana) -> None:
    agent, key = agent_and_key
    request, approved = submit(key), submit(key, facts=HARD)
    decide(approved, ana, "approve")
    AutonomyProfile.objects.filter(agent=agent).update(level=4)
    Outcome.objects.create(
        request_id=request.id, agent=agent, action_type="x", result="failure", source="person",
        reported_at=database_now(),
    )  # fmt: skip
    submit(key, facts=TAKEOVER)
    takeover = Takeover.objects.get()
    assert code_of(release_takeover, takeover_id=takeover.id, admin=ana) == "not_allowed"
    release_takeover(takeover_id=takeover.id, admin=make_admin(), notes="mind the order numbers")
    agent.refresh_from_db()
    assert (agent.status, agent.read_only_since) == ("active", None)
    assert reload(request).deadline is not None
    assert reload(approved).execution == "revoked"
    assert {p.level for p in AutonomyProfile.objects.filter(agent=agent)} == {3}
    again = {"takeover_id": takeover.id, "admin": make_admin()}
    assert code_of(release_takeover, **again) == "takeover_conflict"
    assert trail(request) == ["requested", "clock_stopped", "clock_restarted"]
    assert submit(key, facts=HARD).status == "pending"


def test_three_failures_stop_the_agent_and_a_release_counts_anew(agent_and_key) -> None:
    agent, key = agent_and_key
    for _ in range(3):
        Outcome.objects.create(
            request_id=submit(key).id, agent=agent, action_type="x", result="failure",
            source="agent", reported_at=database_now(),
        )  # fmt: skip
    stopped = submit(key)
    assert stopped.status == "taken_over"
    assert "3 failures within 24 hours" in Takeover.objects.get().reason
    release_takeover(takeover_id=stopped.takeover_id, admin=make_admin())
    assert submit(key).status == "pending"


def test_a_reviewer_takes_over(agent_and_key, ana) -> None:
    agent, key = agent_and_key
    request, other = submit(key), submit(key)
    taken = decide(request, ana, "take_over", notes="It loops.")
    shown = represent_request(taken)
    assert (shown["status"], shown["resolution"], shown["level"], shown["proceed"]) == (
        "taken_over", "takeover", "HUMAN_TAKEOVER", False
    )  # fmt: skip
    takeover = Takeover.objects.get()
    assert (takeover.source, takeover.started_by, takeover.open_request_ids) == (
        "reviewer", ana, [other.id]
    )  # fmt: skip
    assert Agent.objects.get(pk=agent.pk).status == "read_only"
    assert code_of(decide, other, ana, "take_over") == "takeover_conflict"
    assert reload(other).status == "pending"
    assert trail(request) == ["requested", "taken_over"]


def test_nothing_gets_a_clock_while_the_agent_is_read_only(agent_and_key, ana) -> None:
    agent, key = agent_and_key
    asked, waiting = submit(key, facts=HARD), submit(key, facts=HARD)
    decide(asked, ana, "ask", notes="Which one?")
    submit(key, facts=TAKEOVER)
    post_message(agent_id=agent.id, request_id=asked.id, text="That one.")
    decide(waiting, ana, "escalate", notes="not mine")
    assert [reload(r).status for r in (asked, waiting)] == ["pending", "escalated"]
    assert [reload(r).deadline for r in (asked, waiting)] == [None, None]
    release_takeover(takeover_id=Takeover.objects.get().id, admin=make_admin())
    assert None not in [reload(r).deadline for r in (asked, waiting)]
