"""Time is up: silence is consent only for SOFT_APPROVAL, and only where somebody could object."""

import pytest

from approvals.models import Notification
from approvals.representation import represent_request
from approvals.services.claims import claim_request, extend_deadline, release_claim
from approvals.services.deadlines import run_due_step, sweep_due
from approvals.services.escalations import save_escalation
from approvals.services.executions import claim_execution
from approvals.vocabulary import Channel
from audit.models import AuditEvent
from autonomy.policy.document import PolicyDocument
from autonomy.services import publish_policy
from hitlconsole.accounts.services import person
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload, trail, watch_queue
from tests.factories import (
    HARD,
    make_action_type,
    make_admin,
    make_reviewer,
    make_team,
    submit,
)

pytestmark = pytest.mark.django_db


def test_nothing_happens_before_the_deadline(key, ana, advance_clock) -> None:
    request = submit(key)
    watch_queue(ana, request, first=0, last=290)
    advance_clock(seconds=140)
    assert sweep_due() == 0
    advance_clock(seconds=150)
    assert sweep_due() == 1
    assert (reload(request).status, reload(request).revision) == ("pending", 1)
    kinds = Notification.objects.filter(request=request).values_list("kind", flat=True)
    assert sorted(kinds) == ["request_reminder", "request_waiting"]


@pytest.mark.parametrize(
    ("first", "last", "status", "level", "reason"),
    [
        (10, 71, "approved", 2, "silence"),
        (10, 69, "escalated", 3, "no_notice"),
        (-500, 59, "escalated", 3, "no_notice"),
        (-500, 61, "approved", 2, "silence"),
        (239, 900, "approved", 2, "silence"),
        (241, 900, "escalated", 3, "no_notice"),
    ],
)
def test_soft_silence_needs_notice(
    key, ana, advance_clock, first, last, status, level, reason
) -> None:
    request = submit(key)
    watch_queue(ana, request, first=first, last=last)
    advance_clock(seconds=301)
    assert sweep_due() == 1
    after = reload(request)
    assert (after.status, after.level, after.reason) == (status, level, reason)
    assert represent_request(after)["proceed"] is (status == "approved")
    assert trail(request) == ["requested", "timeout"]
    event = AuditEvent.objects.get(request_id=request.id, type="timeout")
    assert (event.reviewer_decision, event.actor_kind) == (status, "system")
    assert b'"reviewer_id":null' in bytes(event.entry)


def test_the_notice_must_be_to_somebody_who_could_object(key, team, advance_clock) -> None:
    request = submit(key, on_behalf_of="ana@example.com")
    watch_queue(make_reviewer(team, "ana@example.com"), request, first=0, last=290)
    watch_queue(make_reviewer(make_team("Support")), request, first=0, last=290)
    advance_clock(seconds=301)
    sweep_due()
    assert reload(request).reason == "no_notice"


def test_a_short_limit_needs_half_of_it(key, ana, advance_clock) -> None:
    make_action_type("refund.create", soft_seconds=40)
    request = submit(key)
    watch_queue(ana, request, first=0, last=21)
    advance_clock(seconds=41)
    sweep_due()
    assert (reload(request).status, reload(request).resolution) == ("approved", "silent_consent")


def test_a_claim_turns_silence_into_escalation(key, ana, advance_clock) -> None:
    request = submit(key)
    watch_queue(ana, request, first=0, last=290)
    claim_request(request_id=request.id, reviewer=ana)
    advance_clock(seconds=301)
    sweep_due()
    assert (reload(request).status, reload(request).reason) == ("escalated", "claimed")


def test_a_policy_can_switch_silent_consent_off(key, ana, advance_clock) -> None:
    admin = make_admin()
    document = PolicyDocument(silent_consent=False)
    publish_policy(document, note="never silently", by=admin, actor=person(admin))
    request = submit(key)
    assert represent_request(request)["on_deadline"] == "escalate"
    watch_queue(ana, request, first=0, last=290)
    advance_clock(seconds=301)
    sweep_due()
    assert (reload(request).status, reload(request).reason) == ("escalated", "no_silent_consent")


def test_hard_escalates_then_expires_and_is_never_approved(key, ana, advance_clock) -> None:
    request = submit(key, facts=HARD)
    watch_queue(ana, request, first=0, last=86_400)
    advance_clock(seconds=86_401)
    assert sweep_due() == 1
    escalated = reload(request)
    assert (escalated.status, escalated.tier) == ("escalated", 1)
    assert represent_request(escalated)["on_deadline"] == "expire"
    assert sweep_due() == 0
    advance_clock(seconds=86_401)
    assert sweep_due() == 1
    expired = represent_request(reload(request))
    assert (expired["status"], expired["resolution"], expired["proceed"]) == (
        "expired", "exhausted", False
    )  # fmt: skip
    assert trail(request) == ["requested", "timeout", "timeout"]
    assert list(Notification.objects.order_by("created_at").values_list("kind", flat=True)) == [
        "request_waiting", "request_escalated", "request_expired"
    ]  # fmt: skip


def test_an_unanswered_question_escalates(key, ana, advance_clock) -> None:
    request = submit(key)
    decide(request, ana, "ask", notes="Which one?")
    advance_clock(seconds=301)
    assert sweep_due() == 0
    advance_clock(seconds=86_401)
    assert sweep_due() == 1
    after = reload(request)
    assert (after.status, after.level, after.reason) == ("escalated", 3, "no_answer")


def test_a_decision_past_the_deadline_counts_while_it_is_open(key, ana, advance_clock) -> None:
    request = submit(key)
    advance_clock(seconds=400)
    assert decide(request, ana, "approve").resolution == "human"
    assert sweep_due() == 0


def test_a_poll_past_the_deadline_runs_the_step(key, advance_clock) -> None:
    request = submit(key)
    assert run_due_step(request.id, channel=Channel.POLL) is False
    advance_clock(seconds=301)
    assert run_due_step(request.id, channel=Channel.POLL) is True
    assert run_due_step(request.id, channel=Channel.POLL) is False
    assert reload(request).status == "escalated"


def test_extending_gives_five_minutes_up_to_double(key, ana, advance_clock) -> None:
    request = submit(key)
    extended = extend_deadline(request_id=request.id, reviewer=ana)
    assert (extended.deadline - request.deadline).total_seconds() == 300
    with pytest.raises(Problem) as caught:
        extend_deadline(request_id=request.id, reviewer=ana)
    assert caught.value.code == "not_waiting"
    advance_clock(seconds=299)
    assert sweep_due() == 0
    # Half of the longer time limit is over: a reminder, and nothing else.
    advance_clock(seconds=2)
    assert sweep_due() == 1
    assert reload(request).status == "pending"
    assert trail(request) == ["requested", "extended"]


def test_an_unused_approval_lapses(key, ana, advance_clock) -> None:
    request = submit(key, facts=HARD)
    decide(request, ana, "approve")
    advance_clock(seconds=901)
    assert sweep_due() == 1
    assert represent_request(reload(request))["proceed"] is False
    with pytest.raises(Problem) as caught:
        claim_execution(agent_id=request.agent_id, request_id=request.id, claim_id="c1")
    assert caught.value.code == "approval_lapsed"
    assert trail(request) == ["requested", "approved", "execution_lapsed"]


def test_claims_are_leases(key, ana, team, advance_clock) -> None:
    bo = make_reviewer(team, "bo@example.com")
    request = submit(key, facts=HARD)
    claim_request(request_id=request.id, reviewer=ana)
    with pytest.raises(Problem) as caught:
        claim_request(request_id=request.id, reviewer=bo)
    assert (caught.value.code, caught.value.detail) == ("claimed_by_other", "ana works on it.")
    release_claim(request_id=request.id, reviewer=bo)
    assert reload(request).claimed_by == ana
    advance_clock(seconds=601)
    assert claim_request(request_id=request.id, reviewer=bo).claimed_by == bo
    assert reload(request).revision == 1


def test_one_tier_alone_expires_without_escalating(key, team, ana, advance_clock) -> None:
    tiers = [{"name": "All", "targets": [{"kind": "reviewers"}], "seconds": 600}]
    save_escalation(team, {"tiers": tiers}, revision=0, by=make_admin())
    request = submit(key, facts=HARD)
    assert represent_request(request)["on_deadline"] == "expire"
    advance_clock(seconds=601)
    assert run_due_step(request.id, channel=Channel.POLL)
    after = reload(request)
    assert (after.status, after.resolution, after.reason) == ("expired", "exhausted", "exhausted")
    assert trail(request) == ["requested", "timeout"]


def test_a_tiers_own_limit_counts_for_its_wait(key, team, ana, advance_clock) -> None:
    tiers = [
        {"name": "First", "targets": [{"kind": "reviewers"}], "seconds": 600},
        {"name": "Second", "targets": [{"kind": "reviewers"}]},
    ]
    save_escalation(team, {"tiers": tiers, "repeat": 1}, revision=0, by=make_admin())
    request = submit(key, facts=HARD)
    limits = []
    for _ in range(4):
        now = reload(request)
        limits.append((now.tier, round((now.deadline - now.waiting_since).total_seconds())))
        advance_clock(seconds=limits[-1][1] + 1)
        sweep_due()
    assert limits == [(0, 600), (1, 86_400), (2, 600), (3, 86_400)]
    assert reload(request).status == "expired"


def test_by_hand_to_a_named_tier(key, team, ana) -> None:
    tiers = [{"name": f"T{n}", "targets": [{"kind": "reviewers"}]} for n in range(4)]
    save_escalation(team, {"tiers": tiers}, revision=0, by=make_admin())
    request = submit(key)
    for wrong in (0, 4):
        with pytest.raises(Problem) as caught:
            decide(request, ana, "escalate", tier=wrong)
        assert caught.value.errors[0].loc == ("tier",)
    after = decide(request, ana, "escalate", tier=2)
    assert (after.tier, after.status, after.level) == (2, "escalated", 3)
    with pytest.raises(Problem) as caught:
        decide(request, ana, "reject", tier=3)
    assert caught.value.errors[0].loc == ("tier",)
