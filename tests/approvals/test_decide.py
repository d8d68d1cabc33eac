"""The one door: what each verdict does, and what it refuses."""

import json

import pytest

from approvals.models import Decision, Message, Notification
from approvals.representation import represent_request
from approvals.services.exchange import post_message, withdraw_request
from audit.models import AuditEvent
from hitlconsole.accounts.models import Role
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload, trail
from tests.factories import (
    HARD,
    make_action_type,
    make_admin,
    make_agent,
    make_reviewer,
    make_team,
    submit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_(agent_and_key):
    return submit(agent_and_key[1], facts=HARD)


def refused(code: str, call, *args, **kwargs) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code
    return caught.value


def test_approving_lets_the_agent_proceed(ana, request_) -> None:
    request = decide(request_, ana, "approve", notes="looks right")
    shown = represent_request(request)
    assert shown["proceed"] is True
    assert (shown["status"], shown["resolution"], shown["revision"]) == ("approved", "human", 2)
    assert shown["decision"]["verdict"] == "approve"
    assert shown["decision"]["reviewer_id"] == ana.id
    assert shown["decision"]["notes"] == "looks right"
    assert trail(request) == ["requested", "approved"]


def test_rejecting_needs_a_reason_and_decides_nothing_without(ana, request_) -> None:
    problem = refused("invalid_request", decide, request_, ana, "reject", notes="  ")
    assert problem.errors[0].loc == ("notes",)
    assert reload(request_).status == "pending"
    assert Decision.objects.count() == 0
    request = decide(request_, ana, "reject", notes="Wrong order.")
    shown = represent_request(request)
    assert (shown["status"], shown["proceed"], shown["reason"]) == (
        "rejected",
        False,
        "Wrong order.",
    )


def test_a_second_decision_is_told_who_won_and_kept_as_late(ana, bo, request_) -> None:
    decide(request_, ana, "approve")
    problem = refused("already_closed", decide, request_, bo, "reject", notes="No!")
    assert problem.detail.startswith("Approved by ana ")
    assert problem.extra["request"]["status"] == "approved"
    late = Decision.objects.get(effect="late")
    assert (late.reviewer, late.verdict, late.notes) == (bo, "reject", "No!")
    assert trail(request_) == ["requested", "approved", "late_answer"]


def test_a_stale_revision_decides_nothing(ana, agent_and_key, request_) -> None:
    agent, _ = agent_and_key
    post_message(agent_id=agent.id, request_id=request_.id, text="One more thing: it shipped.")
    problem = refused("stale_revision", decide, request_, ana, "approve", revision=1)
    assert problem.extra["request"]["revision"] == 2
    assert reload(request_).status == "pending"


def test_the_same_token_twice_is_one_decision(ana, request_) -> None:
    first = decide(request_, ana, "approve", token="t1", revision=1)
    again = decide(request_, ana, "approve", token="t1", revision=1)
    assert first.status == again.status == "approved"
    assert Decision.objects.count() == 1
    assert trail(request_) == ["requested", "approved"]


def test_ask_and_answer_bring_it_back_with_a_fresh_clock(
    ana, agent_and_key, request_, advance_clock
) -> None:
    agent, _ = agent_and_key
    asked = decide(request_, ana, "ask", notes="Which parcel?")
    assert (asked.status, represent_request(asked)["on_deadline"]) == ("needs_info", "escalate")
    for verdict in ("approve", "reject", "ask"):
        refused("waiting_for_answer", decide, request_, ana, verdict)
    advance_clock(seconds=600)
    message, _ = post_message(agent_id=agent.id, request_id=request_.id, text="Parcel 7.")
    answered = reload(request_)
    assert (message.kind, answered.status, answered.revision) == ("answer", "pending", 3)
    assert answered.deadline > asked.deadline
    assert trail(request_) == ["requested", "asked", "answered"]
    assert list(Message.objects.order_by("at").values_list("kind", "text")) == [
        ("question", "Which parcel?"),
        ("answer", "Parcel 7."),
    ]


def test_escalating_raises_to_hard_and_ends_at_the_last_tier(ana, agent_and_key) -> None:
    request = submit(agent_and_key[1])
    assert request.level == 2
    escalated = decide(request, ana, "escalate", notes="Not mine")
    assert (escalated.status, escalated.level, escalated.tier) == ("escalated", 3, 1)
    refused("no_tier_left", decide, request, ana, "escalate")
    assert list(Notification.objects.order_by("created_at").values_list("kind", "tier")) == [
        ("request_waiting", 0),
        ("request_escalated", 1),
    ]
    assert decide(request, make_admin(), "approve").status == "approved"


def test_admins_decide_only_what_was_escalated(request_, team) -> None:
    lead = make_reviewer(team, "lead@example.com", Role.ADMIN)
    for person in (lead, make_admin()):
        problem = refused("not_allowed", decide, request_, person, "approve")
        assert problem.detail == "Until it is escalated, the reviewers of Payments decide this."


def test_other_teams_do_not_even_see_it(request_) -> None:
    stranger = make_reviewer(make_team("Support"))
    problem = refused("not_found", decide, request_, stranger, "approve")
    assert problem.detail == "There is no such request, or it belongs to another team."


def test_compliance_reads_and_does_not_decide(request_, team) -> None:
    reader = make_reviewer(team, "audit@example.com", Role.COMPLIANCE)
    problem = refused("not_allowed", decide, request_, reader, "reject")
    assert problem.detail == "Only the reviewers of Payments decide this."


def test_owner_and_the_person_acted_for_may_reject_but_not_approve(team, bo) -> None:
    owner = make_reviewer(team, "owner@example.com")
    _, key = make_agent(team, owner=owner)
    request = submit(key, on_behalf_of="BO@example.com ")
    for person in (owner, bo):
        refused("not_allowed", decide, request, person, "approve")
    assert reload(request).status == "pending"
    assert decide(request, owner, "reject").status == "rejected"


class TestQuorum:
    @pytest.fixture
    def request_(self, agent_and_key):
        make_action_type("refund.create", quorum=2)
        return submit(agent_and_key[1])

    def test_silence_cannot_consent_so_the_level_is_hard(self, request_) -> None:
        assert request_.level == 3
        assert "2 approvals are needed" in json.dumps(request_.evaluation.trace)

    def test_two_people_approve_and_one_counts_once(self, ana, bo, request_) -> None:
        assert decide(request_, ana, "approve").status == "pending"
        assert decide(request_, ana, "approve").status == "pending"
        assert decide(request_, bo, "approve").status == "approved"
        assert trail(request_) == ["requested", "voted", "voted", "approved"]

    def test_one_rejection_is_a_veto(self, ana, bo, request_) -> None:
        decide(request_, ana, "approve")
        assert decide(request_, bo, "reject").status == "rejected"

    def test_an_edit_voids_earlier_votes(self, ana, bo, team, request_) -> None:
        decide(request_, ana, "approve")
        edited = {"type": "refund.create", "arguments": {"order": "5512", "amount": "400.00"}}
        assert decide(request_, bo, "approve_with_edits", edited_action=edited).status == "pending"
        cy = make_reviewer(team, "cy@example.com")
        assert decide(request_, cy, "approve").status == "pending"
        refused("not_allowed", decide, request_, bo, "approve")
        assert decide(request_, ana, "approve").status == "approved"


class TestEdit:
    def test_at_quorum_one_it_counts_as_the_approval(self, ana, request_) -> None:
        edited = {"type": "refund.create", "arguments": {"order": "5512", "amount": "400.00"}}
        request = decide(request_, ana, "approve_with_edits", edited_action=edited)
        shown = represent_request(request)
        assert (shown["status"], shown["proceed"], shown["edited"]) == ("approved", True, True)
        assert shown["action"] == edited
        assert json.loads(bytes(request.proposed_action))["arguments"]["amount"] == "420.00"
        assert trail(request) == ["requested", "edited", "approved"]
        closing = AuditEvent.objects.filter(request_id=request.id).exclude(reviewer_decision=None)
        assert [event.type for event in closing] == ["approved"]

    def test_a_stricter_type_makes_it_a_proposal_that_somebody_else_approves(
        self, ana, bo, agent_and_key
    ) -> None:
        make_action_type("refund.large", floor=3)
        request = submit(agent_and_key[1])
        edited = {"type": "refund.large", "arguments": {"order": "5512"}}
        proposed = decide(request, ana, "approve_with_edits", edited_action=edited)
        assert (proposed.status, proposed.level, proposed.action_type) == (
            "pending", 3, "refund.large"
        )  # fmt: skip
        refused("not_allowed", decide, request, ana, "approve")
        assert decide(request, bo, "approve").status == "approved"

    def test_it_never_lowers_the_level(self, ana, agent_and_key, request_) -> None:
        make_action_type("order.lookup", side_effects=False)
        edited = {"type": "order.lookup", "arguments": {}}
        assert decide(request_, ana, "approve_with_edits", edited_action=edited).level == 3

    @pytest.mark.parametrize(
        ("edited", "loc"),
        [
            ({"type": "refund.create"}, ("edited_action",)),
            ({"type": 7, "arguments": {}}, ("edited_action", "type")),
            ({"type": "refund.create", "arguments": []}, ("edited_action", "arguments")),
            (
                {"type": "refund.create", "arguments": {"amount": 2**60}},
                ("edited_action", "arguments", "amount"),
            ),
            (
                {"type": "refund.create", "arguments": {"amount": True}},
                ("edited_action", "arguments", "amount"),
            ),
        ],
    )
    def test_what_does_not_fit_decides_nothing(self, ana, agent_and_key, edited, loc) -> None:
        schema = {"type": "object", "properties": {"amount": {"type": ["string", "integer"]}}}
        make_action_type("refund.create", arguments_schema=schema)
        request = submit(agent_and_key[1])
        problem = refused(
            "invalid_request", decide, request, ana, "approve_with_edits", edited_action=edited
        )
        assert problem.errors[0].loc == loc
        assert reload(request).status == "pending"
        assert Decision.objects.count() == 0

    def test_one_that_would_lead_to_a_takeover_is_refused(self, ana, request_) -> None:
        make_action_type("database.drop", floor=4)
        edited = {"type": "database.drop", "arguments": {}}
        refused(
            "invalid_request", decide, request_, ana, "approve_with_edits", edited_action=edited
        )
        assert trail(request_) == ["requested"]


def test_withdrawing_closes_and_repeats_quietly(ana, agent_and_key, request_) -> None:
    agent, _ = agent_and_key
    for _ in range(2):
        request = withdraw_request(agent_id=agent.id, request_id=request_.id, reason="not needed")
        assert (request.status, request.resolution) == ("cancelled", "withdrawn")
    problem = refused("already_closed", decide, request_, ana, "approve")
    assert problem.detail.startswith("Cancelled by the agent ")
    assert trail(request_) == ["requested", "cancelled", "late_answer"]


def test_another_agents_request_is_not_found(team, request_) -> None:
    other, _ = make_agent(team)
    for call, words in ((withdraw_request, {}), (post_message, {"text": "x"})):
        problem = refused("not_found", call, agent_id=other.id, request_id=request_.id, **words)
        assert problem.detail == "There is no request with this id."
    assert trail(request_) == ["requested"]
