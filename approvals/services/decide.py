"""The one door through which people decide: web, API, and whatever channel comes next.

Locks the row, reads the database's clock after it has the lock, checks rights again, applies the
transition, writes decision, event and outgoing messages, and commits. A verdict on a request
that is still open is applied even past its deadline: nobody else has closed it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from approvals.access import approval_refusal, as_of_now, decision_refusal, get_request_for
from approvals.models import ApprovalRequest, Decision, Message, Notification
from approvals.representation import load_request, represent_request
from approvals.services.changes import Change, request_event
from approvals.services.deadlines import due_step, run_due_step
from approvals.services.edits import Edit, edited_bytes, plan_edit
from approvals.services.locking import Locked, lock_request
from approvals.services.takeovers import TakeoverCause, begin_takeover
from approvals.services.tiers import escalation_of
from approvals.states import Event as Step
from approvals.vocabulary import OPEN, Channel, Resolution, Status, Verdict
from audit.events import Event, EventType
from audit.services import record
from autonomy.services import policy_version
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import User
from hitlconsole.accounts.services import person
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.problems import Problem, invalid_field

MAX_NOTES = 4000
# Doors that show a message, not the evidence: what needs an explicit decision is not approved here.
MESSAGES = (Channel.SLACK, Channel.EMAIL)
APPROVING = (Verdict.APPROVE, Verdict.APPROVE_WITH_EDITS)
NOTES_FOR = {
    Verdict.REJECT: "Say why: the agent gets this reason.",
    Verdict.ASK: "Write the question that the agent should answer.",
    Verdict.ESCALATE: "Say why somebody else should decide.",
    Verdict.TAKE_OVER: "Say why the agent has to stop.",
}


@dataclass(frozen=True, slots=True)
class Verdicted:
    """A verdict as it came in."""

    reviewer: User
    verdict: Verdict
    revision: int
    channel: Channel
    notes: str
    edited_action: dict[str, Any] | None
    token: str | None
    key_id: UUID | None
    tier: int | None

    @property
    def payload(self) -> dict[str, Any]:
        """Through whose key it came, where it did not come from the person's own session."""
        return {} if self.key_id is None else {"key_id": str(self.key_id)}


def decide_request(
    *,
    request_id: UUID,
    reviewer: User,
    verdict: Verdict,
    revision: int,
    channel: Channel,
    notes: str = "",
    edited_action: dict[str, Any] | None = None,
    token: str | None = None,
    key_id: UUID | None = None,
    tier: int | None = None,
) -> ApprovalRequest:
    """Apply a person's verdict; the request as it stands afterwards.

    `revision` is the one the person saw, `token` makes a form sent twice one decision, `key_id`
    is the key of the outside system that speaks for the person, `tier` the one to escalate to (the
    next one, where none is named). Raises
    the problems not_found, not_allowed, invalid_request, already_closed (the verdict is kept on
    record as a late answer), stale_revision, waiting_for_answer, console_only, agent_read_only,
    no_tier_left and takeover_conflict; the conflicts carry the request's present state.
    """
    given = Verdicted(
        reviewer, verdict, revision, channel, notes.strip(), edited_action, token, key_id, tier
    )
    _check_form(given)
    get_request_for(reviewer, request_id)
    if verdict is Verdict.ASK:
        run_due_step(request_id, channel=channel)
    refusal = _decide(request_id, given)
    request = load_request(request_id)
    assert request is not None  # requests are kept
    if refusal is not None:
        refusal.extra["request"] = represent_request(request)
        raise refusal
    return request


def _check_form(given: Verdicted) -> None:
    if given.verdict in NOTES_FOR and not given.notes:
        raise invalid_field("notes", NOTES_FOR[given.verdict])
    if len(given.notes) > MAX_NOTES:
        raise invalid_field("notes", f"must have at most {MAX_NOTES} characters")
    if (given.edited_action is not None) != (given.verdict is Verdict.APPROVE_WITH_EDITS):
        raise invalid_field("edited_action", "goes with approve_with_edits, and only with it")
    if given.tier is not None and given.verdict is not Verdict.ESCALATE:
        raise invalid_field("tier", "goes with escalate, and only with it")
    if given.edited_action is not None:
        edited_bytes(given.edited_action)


@transaction.atomic
def _decide(request_id: UUID, given: Verdicted) -> Problem | None:
    """None where the verdict was applied (now, or before under the same token).

    A refusal is returned, not raised, so that a late answer is kept.
    """
    locked = lock_request(request_id, agent_alone=given.verdict is Verdict.TAKE_OVER)
    assert locked is not None  # found before, and requests are kept
    if _came_before(locked.request, given):
        return None
    given = replace(given, reviewer=as_of_now(given.reviewer))
    refusal = decision_refusal(given.reviewer, locked.request)
    if refusal is not None:
        raise Problem("not_allowed", refusal)
    if locked.request.status not in OPEN:
        return _keep_late_answer(locked, given)
    _refuse(locked, given)
    APPLY[given.verdict](locked, given)
    return None


def _came_before(request: ApprovalRequest, given: Verdicted) -> bool:
    if given.token is None:
        return False
    same = Decision.objects.filter(request=request, reviewer=given.reviewer, token=given.token)
    return same.exclude(effect=Decision.Effect.LATE).exists()


def _refuse(locked: Locked, given: Verdicted) -> None:
    request = locked.request
    if request.revision != given.revision:
        detail = f"It is at revision {request.revision}, you saw {given.revision}: look again."
        raise _conflict("stale_revision", request, detail)
    if request.status == Status.NEEDS_INFO and given.verdict not in (
        Verdict.ESCALATE,
        Verdict.TAKE_OVER,
    ):
        detail = "A question was asked: the agent has to answer first."
        raise _conflict("waiting_for_answer", request, detail)
    if given.verdict in APPROVING:
        reason = approval_refusal(given.reviewer, request)
        if reason is not None:
            raise Problem("not_allowed", reason)
        if given.channel in MESSAGES and request.level >= Level.HARD_APPROVAL:
            detail = "Approve this in the console, where the evidence is; here it can be rejected."
            raise _conflict("console_only", request, detail)
        if locked.agent.read_only_since is not None:
            detail = "The agent was taken over: its requests can be rejected, not approved."
            raise _conflict("agent_read_only", request, detail)


def _conflict(code: str, request: ApprovalRequest, detail: str) -> Problem:
    fresh = load_request(request.id)
    assert fresh is not None
    return Problem(code, detail, extra={"request": represent_request(fresh)})


def _keep_late_answer(locked: Locked, given: Verdicted) -> Problem:
    """What comes after the close has no effect, and is never dropped."""
    request = locked.request
    # A form sent again after it lost is on record already.
    if not Decision.objects.filter(
        request=request, reviewer=given.reviewer, token=given.token, token__isnull=False
    ).exists():
        _keep(locked, given, Decision.Effect.LATE)
        _record(locked, given, EventType.LATE_ANSWER)
    return Problem("already_closed", closed_in_words(request, locked.now))


def closed_in_words(request: ApprovalRequest, now: datetime) -> str:
    """Who or what closed it, and how long ago: "Approved by Ana 12 s ago"."""
    words = request.status.replace("_", " ").capitalize()
    decision = request.closing_decision
    by = {
        Resolution.HUMAN: f" by {decision.reviewer.name}" if decision else "",
        Resolution.AUTOMATIC: " by the policy",
        Resolution.SILENT_CONSENT: " by silent consent",
        Resolution.WITHDRAWN: " by the agent",
        Resolution.TAKEOVER: f" by {decision.reviewer.name}" if decision else " by the policy",
    }.get(Resolution(request.resolution or ""), "")
    seconds = max(0, int((now - (request.closed_at or now)).total_seconds()))
    return f"{words}{by} {seconds} s ago"


def _keep(locked: Locked, given: Verdicted, effect: Decision.Effect) -> Decision:
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


def _event(
    locked: Locked,
    given: Verdicted,
    kind: EventType,
    *,
    payload: dict[str, Any] | None = None,
    personal: dict[str, Any] | None = None,
    **fields: Any,
) -> Event:
    reason = {"reason": given.notes} if given.notes else {}
    return request_event(
        kind,
        locked.request,
        person(given.reviewer),
        now=locked.now,
        reviewer_id=given.reviewer.id,
        channel=given.channel,
        payload=given.payload | (payload or {}),
        personal=reason | (personal or {}),
        **fields,
    )


def _record(locked: Locked, given: Verdicted, kind: EventType, **fields: Any) -> None:
    payload = {"verdict": given.verdict.value}
    record([_event(locked, given, kind, payload=payload, **fields)], at=locked.now)


def _approve(locked: Locked, given: Verdicted) -> None:
    request = locked.request
    approvers = approvers_of(request) | {given.reviewer.id}
    if len(approvers) < request.quorum:
        _keep(locked, given, Decision.Effect.VOTE)
        payload = {"approvals": len(approvers), "quorum": request.quorum}
        record([_event(locked, given, EventType.VOTED, payload=payload)], at=locked.now)
        due_step(locked, given.channel)
        return
    _close(locked, given, Step.APPROVE, EventType.APPROVED, {"approvals": len(approvers)})


def approvers_of(request: ApprovalRequest) -> set[UUID]:
    """Whose approval counts: given for exactly this action at exactly this level, since the last
    edit, by people who may still approve it.
    """
    votes = Decision.objects.filter(
        request=request,
        verdict=Verdict.APPROVE,
        effect=Decision.Effect.VOTE,
        action_sha256=request.action_sha256,
        level=request.level,
        revision__gt=_last_proposal(request),
    ).select_related("reviewer")
    return {vote.reviewer_id for vote in votes if _may_approve(vote.reviewer, request)}


def _last_proposal(request: ApprovalRequest) -> int:
    """The revision at which the action was last edited; 0 for none."""
    proposals = Decision.objects.filter(request=request, effect=Decision.Effect.PROPOSAL)
    return proposals.aggregate(last=Max("revision"))["last"] or 0


def _may_approve(user: User, request: ApprovalRequest) -> bool:
    return decision_refusal(user, request) is None and approval_refusal(user, request) is None


def _reject(locked: Locked, given: Verdicted) -> None:
    locked.request.reason = given.notes
    _close(locked, given, Step.REJECT, EventType.REJECTED, {})


def _close(
    locked: Locked, given: Verdicted, step: Step, kind: EventType, payload: dict[str, Any]
) -> None:
    change = Change(locked.request, locked.now)
    decision = _keep(locked, given, Decision.Effect.CLOSED)
    change.close(step, Resolution.HUMAN, decision)
    payload |= {"revision": decision.revision, "decision_id": str(decision.id)}
    change.save(_event(locked, given, kind, status_before=change.before, payload=payload))


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
        decision = _keep(locked, given, Decision.Effect.CLOSED)
        change.close(Step.APPROVE, Resolution.HUMAN, decision)
    else:
        decision = _keep(locked, given, Decision.Effect.PROPOSAL)
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
        _event(
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
    _keep(locked, given, Decision.Effect.ACTED)
    Message.objects.create(
        request=request,
        kind=Message.Kind.QUESTION,
        person=given.reviewer,
        text=given.notes,
        at=locked.now,
    )
    change.save(_event(locked, given, EventType.ASKED, status_before=change.before))


def _escalate(locked: Locked, given: Verdicted) -> None:
    """To the next tier, or to a named one further on."""
    request, policy = locked.request, escalation_of(locked.request.team_id)
    if request.tier >= policy.last_tier:
        raise _conflict("no_tier_left", request, "It is at the last tier already.")
    tier = request.tier + 1 if given.tier is None else given.tier
    if not request.tier < tier <= policy.last_tier:
        raise invalid_field("tier", f"must be from {request.tier + 1} to {policy.last_tier}")
    change = Change(request, locked.now)
    _keep(locked, given, Decision.Effect.ACTED)
    change.step(Step.ESCALATE)
    tier_before, request.tier = request.tier, tier
    request.level = max(request.level, Level.HARD_APPROVAL)
    request.reason = "by_hand"
    change.restart_clock(policy)
    change.tell(Notification.Kind.ESCALATED)
    payload = {"tier_before": tier_before, "tier": request.tier}
    event = _event(locked, given, EventType.ESCALATED, status_before=change.before, payload=payload)
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
    decision = _keep(locked, given, Decision.Effect.CLOSED)
    change.close(Step.TAKE_OVER, Resolution.TAKEOVER, decision)
    request.takeover_id, request.reason = cause.takeover_id, given.notes
    request.level = Level.HUMAN_TAKEOVER
    taken = _event(locked, given, EventType.TAKEN_OVER, status_before=change.before)
    change.save(*events, taken)


APPLY = {
    Verdict.APPROVE: _approve,
    Verdict.APPROVE_WITH_EDITS: _edit,
    Verdict.REJECT: _reject,
    Verdict.ASK: _ask,
    Verdict.ESCALATE: _escalate,
    Verdict.TAKE_OVER: _take_over,
}
