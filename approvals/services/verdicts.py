"""What each verdict does to a request that is open and locked: set, record, tell.

The door (services.decide) and the release of what was held (services.holds) have checked by then
that it may be done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.models import ApprovalRequest, Decision, Message, Notification
from approvals.representation import load_request, represent_request
from approvals.services.changes import Change
from approvals.services.edits import Edit, edited_bytes, plan_edit
from approvals.services.events import request_event
from approvals.services.locking import Locked
from approvals.services.takeovers import TakeoverCause, begin_takeover
from approvals.services.tiers import escalation_of
from approvals.states import Event as Step
from approvals.vocabulary import Channel, Resolution, Status, Verdict
from approvals.votes import counting_votes, last_proposal
from audit.events import Event, EventType
from audit.services import record
from autonomy.services import policy_version
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import User
from hitlconsole.accounts.services import person
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.problems import Problem, invalid_field


@dataclass(frozen=True, slots=True)
class Verdicted:
    """A verdict as it came in."""

    reviewer: User
    verdict: Verdict
    revision: int
    channel: Channel
    notes: str
    edited_action: dict[str, Any] | None = None
    token: str | None = None
    key_id: UUID | None = None
    tier: int | None = None
    # The risks that the person says to have looked at; when they proved who they are.
    acknowledged: str = ""
    signed_in_at: datetime | None = None
    # Where it was held: when it was given.
    given_at: datetime | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """Through whose key it came, where it did not come from the person's own session; when it
        was given, where it was held.
        """
        key = {} if self.key_id is None else {"key_id": str(self.key_id)}
        return key | ({} if self.given_at is None else {"given_at": self.given_at.isoformat()})

    @property
    def personal(self) -> dict[str, Any]:
        """Free text, which the record keeps where it can be erased."""
        texts = {"reason": self.notes, "acknowledged": self.acknowledged}
        return {name: text for name, text in texts.items() if text}


def conflict(code: str, request: ApprovalRequest, detail: str) -> Problem:
    fresh = load_request(request.id)
    assert fresh is not None
    return Problem(code, detail, extra={"request": represent_request(fresh)})


def keep(locked: Locked, given: Verdicted, effect: Decision.Effect) -> Decision:
    request = locked.request
    edited = None if given.edited_action is None else edited_bytes(given.edited_action)
    return Decision.objects.create(
        request=request,
        reviewer=given.reviewer,
        verdict=given.verdict,
        effect=effect,
        channel=given.channel,
        revision=request.revision,
        level=request.level,
        action_sha256=request.action_sha256,
        edited_action=edited,
        notes=given.notes,
        token=given.token,
        at=locked.now,
    )


def verdict_event(
    locked: Locked,
    given: Verdicted,
    kind: EventType,
    *,
    payload: dict[str, Any] | None = None,
    personal: dict[str, Any] | None = None,
    **fields: Any,
) -> Event:
    return request_event(
        kind,
        locked.request,
        person(given.reviewer),
        now=locked.now,
        reviewer_id=given.reviewer.id,
        channel=given.channel,
        payload=given.payload | (payload or {}),
        personal=given.personal | (personal or {}),
        **fields,
    )


def record_verdict(locked: Locked, given: Verdicted, kind: EventType, **fields: Any) -> None:
    payload = {"verdict": given.verdict.value}
    record([verdict_event(locked, given, kind, payload=payload, **fields)], at=locked.now)


def _approve(locked: Locked, given: Verdicted) -> None:
    request = locked.request
    approvers = approvers_of(request) | {given.reviewer.id}
    if len(approvers) < request.quorum:
        keep(locked, given, Decision.Effect.VOTE)
        payload = {"approvals": len(approvers), "quorum": request.quorum}
        record([verdict_event(locked, given, EventType.VOTED, payload=payload)], at=locked.now)
        return
    _close(locked, given, Step.APPROVE, EventType.APPROVED, {"approvals": len(approvers)})


def approvers_of(request: ApprovalRequest) -> set[UUID]:
    """Whose approval counts so far."""
    votes = counting_votes(request, last_proposal(request))
    return set(votes.values_list("reviewer_id", flat=True))


def _reject(locked: Locked, given: Verdicted) -> None:
    locked.request.reason = given.notes
    _close(locked, given, Step.REJECT, EventType.REJECTED, {})


def _close(
    locked: Locked, given: Verdicted, step: Step, kind: EventType, payload: dict[str, Any]
) -> None:
    change = Change(locked.request, locked.now)
    decision = keep(locked, given, Decision.Effect.CLOSED)
    change.close(step, Resolution.HUMAN, decision)
    payload |= {"revision": decision.revision, "decision_id": str(decision.id)}
    change.save(verdict_event(locked, given, kind, status_before=change.before, payload=payload))


def _edit(locked: Locked, given: Verdicted) -> None:
    """At quorum 1 an edit counts as the approval, unless deciding the edited action again asks
    for more: then it is the new proposal, earlier votes are void, somebody else approves.
    """
    request = locked.request
    edit = plan_edit(locked, given.edited_action or {})
    before_sha256 = bytes(request.action_sha256)
    change = Change(request, locked.now)
    edit.apply(request)
    if edit.closes:
        decision = keep(locked, given, Decision.Effect.CLOSED)
        change.close(Step.APPROVE, Resolution.HUMAN, decision)
    else:
        decision = keep(locked, given, Decision.Effect.PROPOSAL)
        change.restart_clock()
        change.tell(Notification.Kind.WAITING)
    kinds = [EventType.EDITED] + ([EventType.APPROVED] if edit.closes else [])
    change.save(*_edit_events(locked, given, kinds, change.before, edit, before_sha256))


def _edit_events(
    locked: Locked,
    given: Verdicted,
    kinds: list[EventType],
    status_before: str,
    edit: Edit,
    before_sha256: bytes,
) -> list[Event]:
    personal = {
        "action_sha256_before": before_sha256.hex(),
        "action_sha256": bytes(locked.request.action_sha256).hex(),
    }
    payload = {"level_before": edit.level_before.name, "closes": edit.closes}
    return [
        verdict_event(
            locked,
            given,
            kind,
            status_before=status_before,
            payload=payload,
            personal=personal,
        )
        for kind in kinds
    ]


def _ask(locked: Locked, given: Verdicted) -> None:
    """The consent clock stops; without an answer within the hard time limit it escalates."""
    request = locked.request
    change = Change(request, locked.now)
    request.escalated_before_question = request.status == Status.ESCALATED
    change.step(Step.ASK)
    change.restart_clock()
    change.tell(Notification.Kind.ASKED)
    keep(locked, given, Decision.Effect.ACTED)
    Message.objects.create(
        request=request,
        kind=Message.Kind.QUESTION,
        person=given.reviewer,
        text=given.notes,
        at=locked.now,
    )
    change.save(verdict_event(locked, given, EventType.ASKED, status_before=change.before))


def _escalate(locked: Locked, given: Verdicted) -> None:
    """To the next tier, or to a named one further on."""
    request, policy = locked.request, escalation_of(locked.request.team_id)
    if request.tier >= policy.last_tier:
        raise conflict("no_tier_left", request, "It is at the last tier already.")
    tier = request.tier + 1 if given.tier is None else given.tier
    if not request.tier < tier <= policy.last_tier:
        raise invalid_field("tier", f"must be from {request.tier + 1} to {policy.last_tier}")
    change = Change(request, locked.now)
    keep(locked, given, Decision.Effect.ACTED)
    change.step(Step.ESCALATE)
    tier_before, request.tier = request.tier, tier
    request.level = max(request.level, Level.HARD_APPROVAL)
    request.reason = "by_hand"
    change.restart_clock(policy)
    change.tell(Notification.Kind.ESCALATED)
    payload = {"tier_before": tier_before, "tier": request.tier}
    event = verdict_event(
        locked, given, EventType.ESCALATED, status_before=change.before, payload=payload
    )
    change.save(event)


def _take_over(locked: Locked, given: Verdicted) -> None:
    request = locked.request
    cause = TakeoverCause(
        takeover_id=uuid7(),
        agent_id=request.agent_id,
        team_id=request.team_id,
        request_id=request.id,
        acknowledge_seconds=policy_version(request.policy_number).document.takeover_ack_seconds,
        reason=given.notes,
        now=locked.now,
        started_by=given.reviewer,
    )
    events = begin_takeover(cause)
    change = Change(request, locked.now)
    decision = keep(locked, given, Decision.Effect.CLOSED)
    change.close(Step.TAKE_OVER, Resolution.TAKEOVER, decision)
    request.takeover_id, request.reason = cause.takeover_id, given.notes
    request.level = Level.HUMAN_TAKEOVER
    taken = verdict_event(locked, given, EventType.TAKEN_OVER, status_before=change.before)
    change.save(*events, taken)


APPLY: dict[Verdict, Callable[[Locked, Verdicted], None]] = {
    Verdict.APPROVE: _approve,
    Verdict.APPROVE_WITH_EDITS: _edit,
    Verdict.REJECT: _reject,
    Verdict.ASK: _ask,
    Verdict.ESCALATE: _escalate,
    Verdict.TAKE_OVER: _take_over,
}
