"""An approval is good for one execution: it is claimed once, and its outcome told once."""

from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.models import ApprovalRequest, Takeover
from approvals.services.changes import Change
from approvals.services.deadlines import due_step
from approvals.services.events import request_event
from approvals.services.locking import Locked, lock_own_request
from approvals.vocabulary import Channel, Execution, Status, TakeoverStatus
from audit.events import Actor, ActorKind, EventType
from autonomy.models import ActionType, Outcome
from autonomy.services import store_outcome
from hitlconsole.lib.problems import Problem

NOT_EXECUTABLE = {
    Execution.CLAIMED: "already_executed",
    Execution.REPORTED: "already_executed",
    Execution.LAPSED: "approval_lapsed",
    Execution.REVOKED: "approval_revoked",
}


def claim_execution(*, agent_id: UUID, request_id: UUID, claim_id: str) -> ApprovalRequest:
    """Spend the approval; the request holds the action to run.

    The same claim_id again gives the same answer, so that a lost answer is no loss; another one
    is refused. Raises not_found, not_approved, already_executed, approval_lapsed,
    approval_revoked, agent_read_only.
    """
    request, refusal = _claim(agent_id, request_id, claim_id)
    if refusal is not None:
        raise _refused(agent_id, refusal)
    return request


def _refused(agent_id: UUID, code: str) -> Problem:
    """What stopped a read-only agent is named."""
    if code != "agent_read_only":
        return Problem(code)
    open_ones = Takeover.objects.filter(agent=agent_id, status=TakeoverStatus.OPEN)
    return Problem(code, extra={"takeover": open_ones.values_list("id", flat=True).first()})


@transaction.atomic
def _claim(agent_id: UUID, request_id: UUID, claim_id: str) -> tuple[ApprovalRequest, str | None]:
    """The refusal is returned, so that an approval found lapsed is stored as lapsed."""
    locked = lock_own_request(request_id, agent_id)
    request = locked.request
    if request.status != Status.APPROVED:
        return request, "not_approved"
    if request.execution_claim_id == claim_id:
        return request, None
    due_step(locked, Channel.POLL)
    if request.execution != Execution.AVAILABLE:
        return request, NOT_EXECUTABLE[Execution(request.execution or "")]
    if locked.agent.read_only_since is not None and not _only_looks(request):
        return request, "agent_read_only"
    _spend(locked, claim_id)
    return request, None


def _only_looks(request: ApprovalRequest) -> bool:
    """Lookups pass while the agent is read-only: asking for one and not doing it helps nobody."""
    lookups = ActionType.objects.filter(name=request.action_type, side_effects=False)
    return lookups.exists()


def _spend(locked: Locked, claim_id: str) -> None:
    request = locked.request
    request.execution = Execution.CLAIMED
    request.execution_claim_id, request.execution_claimed_at = claim_id, locked.now
    personal = {
        "action_sha256": bytes(request.action_sha256).hex(),
        "claim_id": claim_id,
    }
    _save(locked, EventType.EXECUTION_CLAIMED, {}, personal)


def _save(
    locked: Locked, kind: EventType, payload: dict[str, Any], personal: dict[str, Any]
) -> None:
    event = request_event(
        kind,
        locked.request,
        Actor(ActorKind.AGENT, locked.request.agent_id),
        now=locked.now,
        channel=Channel.API,
        payload=payload,
        personal=personal,
    )
    Change(locked.request, locked.now, grows=False).save(event)


@transaction.atomic
def report_outcome(
    *, agent_id: UUID, request_id: UUID, result: str, details: Any = None
) -> tuple[Outcome, bool]:
    """(outcome, stored now). A repeated report changes nothing.

    Raises not_found, not_approved, not_executed (never claimed), outcome_conflict.
    """
    locked = lock_own_request(request_id, agent_id)
    request = locked.request
    if request.status != Status.APPROVED:
        raise Problem("not_approved")
    if request.execution not in (Execution.CLAIMED, Execution.REPORTED):
        raise Problem("not_executed", "Claim the execution before acting, then report on it.")
    outcome, stored = store_outcome(
        request_id=request.id,
        agent_id=agent_id,
        action_type=request.action_type,
        result=result,
        source=ActorKind.AGENT.value,
        details=details,
        at=locked.now,
    )
    if stored:
        request.execution = Execution.REPORTED
        personal = {} if details is None else {"details": details}
        _save(locked, EventType.OUTCOME_REPORTED, {"result": result}, personal)
    return outcome, stored
