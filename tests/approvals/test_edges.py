"""Where rules meet: read-only agents, edits, votes, claims and late steps against each other."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from approvals.escalation.clock import Wait
from approvals.escalation.policy import EscalationPolicy
from approvals.models import ApprovalRequest, Presence, Takeover
from approvals.representation import represent_request
from approvals.services import deadlines
from approvals.services.claims import claim_request, extend_deadline, release_claim
from approvals.services.deadlines import sweep_due
from approvals.services.exchange import withdraw_request
from approvals.services.executions import claim_execution, report_outcome
from approvals.services.intake import submit_requests
from approvals.services.intake_sql import Item
from approvals.services.takeovers import release_takeover
from audit.entry import EntryTooLarge, build_entry
from audit.events import SYSTEM, Event, EventType
from audit.models import AuditEvent
from autonomy.models import Outcome
from autonomy.policy.document import PolicyDocument
from autonomy.policy.facts import Facts
from autonomy.services import publish_policy
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.models import Agent, ApiKey, Role, User
from hitlconsole.accounts.services import person, revoke_key, set_membership
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload, trail, watch_queue
from tests.factories import (
    AUTO,
    HARD,
    TAKEOVER,
    make_action_type,
    make_admin,
    make_agent,
    make_reviewer,
    make_submission,
    make_team,
    submit,
)

pytestmark = pytest.mark.django_db


def refused(call: Any, *args: Any, **kwargs: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*args, **kwargs)
    return caught.value


def run_sql(statement: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


class TestLookupsOfAReadOnlyAgent:
    @pytest.fixture(autouse=True)
    def lookup(self) -> None:
        make_action_type("order.lookup", side_effects=False)

    def test_pass_and_can_be_executed(self, agent_and_key) -> None:
        agent, key = agent_and_key
        submit(key, facts=TAKEOVER)
        request = submit(key, action_type="order.lookup", arguments={}, facts=AUTO)
        assert represent_request(request)["proceed"] is True
        claim_execution(agent_id=agent.id, request_id=request.id, claim_id="c")
        report_outcome(agent_id=agent.id, request_id=request.id, result="success")

    def test_pass_also_after_a_takeover_for_failures(self, agent_and_key) -> None:
        agent, key = agent_and_key
        for _ in range(3):
            Outcome.objects.create(
                request_id=uuid7(), agent=agent, action_type="x", result="failure", source="agent"
            )
        assert submit(key).status == "taken_over"
        request = submit(key, action_type="order.lookup", arguments={}, facts=AUTO)
        assert request.status == "approved"

    def test_one_that_would_take_over_again_is_refused_alone(self, key, team) -> None:
        _, other = make_agent(team)
        submit(key, facts=TAKEOVER)
        lookup = {"action_type": "order.lookup", "arguments": {}, "facts": TAKEOVER}
        items = [
            Item(authenticate(other), make_submission()),
            Item(authenticate(key), make_submission(**lookup)),
        ]
        stored, refusal = submit_requests(items)
        assert stored.http_status == 202
        assert refusal.code == "agent_read_only"
        assert refusal.extra == {"takeover": str(Takeover.objects.get().id)}

    def test_wait_at_hard_without_a_clock_and_are_never_consented_to(
        self, key, ana, advance_clock
    ) -> None:
        make_action_type("order.inspect", side_effects=False, floor=2)
        submit(key, facts=TAKEOVER)
        facts = Facts(confidence=Decimal("0.90"))
        request = submit(key, action_type="order.inspect", arguments={}, facts=facts)
        assert (request.level, request.deadline, request.waiting_since) == (3, None, None)
        watch_queue(ana, request, first=0, last=290)
        advance_clock(days=2)
        assert sweep_due() == 0
        release_takeover(takeover_id=Takeover.objects.get().id, admin=make_admin())
        assert reload(request).deadline is not None


class TestTheStepThatIsDue:
    """A refusal that follows the due step leaves the step done."""

    @pytest.mark.parametrize("act", [claim_request, release_claim, extend_deadline])
    def test_before_working_on_it(self, act, key, ana, advance_clock) -> None:
        request = submit(key)
        watch_queue(ana, request, first=0, last=290)
        advance_clock(seconds=301)
        assert refused(act, request_id=request.id, reviewer=ana).code == "already_closed"
        assert reload(request).status == "approved"
        assert trail(request) == ["requested", "timeout"]

    def test_before_asking(self, key, ana, advance_clock) -> None:
        request = submit(key)
        advance_clock(seconds=301)
        problem = refused(decide, request, ana, "ask", notes="which?")
        assert problem.code == "stale_revision"
        told, after = problem.extra["request"], reload(request)
        assert (told["status"], told["revision"]) == (after.status, after.revision)
        assert trail(request) == ["requested", "timeout"]

    def test_not_before_a_withdrawal(self, key, ana, advance_clock) -> None:
        request = submit(key)
        watch_queue(ana, request, first=0, last=290)
        advance_clock(seconds=301)
        withdraw_request(agent_id=request.agent_id, request_id=request.id)
        assert reload(request).status == "cancelled"

    def test_one_that_fails_does_not_hold_up_the_others(
        self, key, advance_clock, monkeypatch, caplog
    ) -> None:
        bad, good = submit(key), submit(key)
        advance_clock(seconds=301)

        def fail_for_one(request: ApprovalRequest, policy: EscalationPolicy) -> Wait:
            if request.id == bad.id:
                raise RuntimeError("broken")
            return wait_of(request, policy)

        wait_of = deadlines._wait
        monkeypatch.setattr(deadlines, "_wait", fail_for_one)
        assert sweep_due() == 1
        assert (reload(bad).status, reload(good).status) == ("pending", "escalated")
        assert f"the due step of request {bad.id} failed" in caplog.text

    def test_a_claim_at_the_deadline_counts_however_late_the_sweep(
        self, key, ana, advance_clock
    ) -> None:
        request = submit(key)
        watch_queue(ana, request, first=0, last=290)
        claim_request(request_id=request.id, reviewer=ana)
        advance_clock(seconds=601)
        sweep_due()
        after = reload(request)
        assert (after.status, after.reason, after.tier) == ("escalated", "claimed", 1)


def closings(request: ApprovalRequest) -> list[str]:
    """The events that speak of a resolution."""
    events = AuditEvent.objects.filter(request_id=request.id).order_by("stream_seq")
    entries = [json.loads(bytes(event.entry)) for event in events]
    members = ("reviewer_decision", "latency_ms", "resolution")
    return [e["event_type"] for e in entries if any(e[m] is not None for m in members)]


class TestOneEventCloses:
    def test_whatever_comes_later(self, agent_and_key, ana, bo, advance_clock) -> None:
        _, key = agent_and_key
        request = submit(key, facts=HARD)
        decide(request, ana, "approve")
        refused(decide, request, bo, "reject")
        advance_clock(seconds=1000)
        sweep_due()
        assert trail(request)[-2:] == ["late_answer", "execution_lapsed"]
        assert closings(request) == ["approved"]

    def test_also_when_the_approval_is_revoked(self, key, ana) -> None:
        request = submit(key, facts=HARD)
        decide(request, ana, "approve")
        submit(key, facts=TAKEOVER)
        release_takeover(takeover_id=Takeover.objects.get().id, admin=make_admin())
        assert trail(request)[-1] == "execution_revoked"
        assert closings(request) == ["approved"]


OTHER = {"type": "refund.other", "arguments": {}}


class TestEditsNeverLoosen:
    def test_a_proposal_is_not_approved_by_silence(self, key, ana, advance_clock) -> None:
        other = make_team("Other")
        set_membership(ana, other, Role.REVIEWER)
        make_action_type("refund.other", team=other)
        proposed = decide(submit(key), ana, "approve_with_edits", edited_action=OTHER)
        assert (proposed.status, proposed.level) == ("pending", 3)
        end = proposed.waiting_since + timedelta(days=1)
        Presence.objects.create(
            user=ana, team=other, started_at=proposed.waiting_since, last_seen_at=end
        )
        advance_clock(days=1, seconds=1)
        sweep_due()
        assert reload(proposed).status == "escalated"

    def test_the_policy_in_force_counts_where_it_is_stricter(self, key, ana) -> None:
        request, admin = submit(key), make_admin()
        stricter = PolicyDocument(silent_consent=False, approval_ttl_seconds=60)
        publish_policy(stricter, note="", by=admin, actor=person(admin))
        edited = {"type": "refund.create", "arguments": {"order": "1"}}
        after = decide(request, ana, "approve_with_edits", edited_action=edited)
        assert (after.policy_number, after.silent_consent, after.approval_ttl_seconds) == (
            2, False, 60
        )  # fmt: skip
        assert (after.approval_until - after.closed_at).total_seconds() == 60

    def test_the_wait_does_not_get_shorter(self, key, ana) -> None:
        make_action_type("refund.other", team=make_team("Other"), soft_seconds=5)
        after = decide(submit(key), ana, "approve_with_edits", edited_action=OTHER)
        assert after.soft_seconds == 300


class TestVotes:
    @pytest.fixture
    def request_(self, key) -> ApprovalRequest:
        make_action_type("refund.create", quorum=2)
        return submit(key)

    def test_voided_ones_stay_void(self, request_, ana, bo, team) -> None:
        cy, di = make_reviewer(team), make_reviewer(team)
        original = json.loads(bytes(request_.action))
        edited = {"type": "refund.create", "arguments": {"order": "5512", "amount": "1.00"}}
        decide(request_, ana, "approve")
        decide(request_, bo, "approve_with_edits", edited_action=edited)
        decide(request_, cy, "approve_with_edits", edited_action=original)
        assert decide(request_, di, "approve").status == "pending"
        assert decide(request_, ana, "approve").status == "approved"

    def test_end_with_the_rights_of_the_voter(self, request_, ana, bo, team) -> None:
        decide(request_, ana, "approve")
        set_membership(ana, team, Role.REVIEWER, member=False)
        assert decide(request_, bo, "approve").status == "pending"

    def test_end_when_the_voter_becomes_the_owner(self, request_, ana, bo) -> None:
        decide(request_, ana, "approve")
        Agent.objects.update(owner=ana)
        assert decide(request_, bo, "approve").status == "pending"


def test_an_account_that_was_switched_off_meanwhile_decides_nothing(key, ana) -> None:
    request = submit(key, facts=HARD)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert refused(decide, request, ana, "approve").code == "not_allowed"
    assert refused(claim_request, request_id=request.id, reviewer=ana).code == "not_allowed"


def test_a_revoked_key_reads_no_earlier_answer(agent_and_key) -> None:
    agent, key = agent_and_key
    item = Item(authenticate(key), make_submission(idempotency_key="k"))
    submit_requests([item])
    revoke_key(ApiKey.objects.get(agent=agent), by=SYSTEM)
    (answer,) = submit_requests([item])
    assert answer.code == "key_revoked"


def test_a_takeover_of_another_team_is_not_found(key) -> None:
    submit(key, facts=TAKEOVER)
    lead = make_reviewer(make_team("Support"), role=Role.ADMIN)
    takeover_id = Takeover.objects.get().id
    assert refused(release_takeover, takeover_id=takeover_id, admin=lead).code == "not_found"


class TestGuards:
    def test_the_serving_role_cannot_add_transitions(self) -> None:
        if "owner" not in settings.DATABASES:
            pytest.skip("one role owns and serves this database")
        with pytest.raises(DatabaseError):
            run_sql("INSERT INTO status_transition VALUES ('needs_info', 'approved')")

    def test_a_temporary_table_does_not_stand_in(self, key, ana) -> None:
        request = submit(key, facts=HARD)
        decide(request, ana, "ask", notes="?")
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE status_transition (before text, after text)")
            cursor.execute("INSERT INTO pg_temp.status_transition VALUES ('needs_info','approved')")
        with pytest.raises(DatabaseError):
            run_sql(
                "UPDATE approvals_approvalrequest SET status = 'approved', resolution = 'human',"
                " closed_at = hitl_now(), execution = 'available' WHERE id = %s",
                request.id,
            )

    @pytest.mark.parametrize(
        "change",
        [
            "execution = 'available', execution_claim_id = NULL",
            "execution = 'revoked'",
            "execution = 'lapsed'",
            "execution_claim_id = 'another'",
            "execution_claimed_at = hitl_now()",
        ],
    )
    def test_an_execution_is_claimed_once(self, change, key, ana) -> None:
        request = submit(key, facts=HARD)
        decide(request, ana, "approve")
        claim_execution(agent_id=request.agent_id, request_id=request.id, claim_id="c1")
        with pytest.raises(DatabaseError):
            run_sql(f"UPDATE approvals_approvalrequest SET {change} WHERE id = %s", request.id)  # noqa: S608


def test_an_entry_stays_small_enough_for_log_tools() -> None:
    bulk = Event(EventType.AGENT_CHANGED, "agent:x", SYSTEM, payload={"n": ["x" * 100] * 700})
    with pytest.raises(EntryTooLarge):
        build_entry(bulk, event_id=uuid7(), timestamp="", stream_seq=1, disclosures=[])
