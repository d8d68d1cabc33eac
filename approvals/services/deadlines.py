"""What happens when time is up: one step for one request, run by the sweep and by polls.

The deadline is a row, the clock is the database's, and nothing here depends on who comes first:
the step looks again under the lock.
"""

import logging
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from approvals.models import OPEN_VALUES, ApprovalRequest, Delivery
from approvals.services.changes import Change, request_event
from approvals.services.locking import Locked, lock_request
from approvals.services.presence import notice_was_given
from approvals.states import Event as Step
from approvals.vocabulary import LAST_TIER, Channel, Execution, Resolution, Status
from audit.events import SYSTEM, EventType
from autonomy.vocabulary import Level

logger = logging.getLogger(__name__)

_DUE = """
(SELECT id, deadline AS due FROM approvals_approvalrequest
 WHERE status = ANY(%(open)s) AND deadline IS NOT NULL AND deadline <= hitl_now()
 ORDER BY deadline LIMIT %(limit)s)
UNION ALL
(SELECT id, approval_until FROM approvals_approvalrequest
 WHERE execution = 'available' AND approval_until <= hitl_now()
 ORDER BY approval_until LIMIT %(limit)s)
ORDER BY due LIMIT %(limit)s
"""


def sweep_due(limit: int = 500) -> int:
    """Run the due step of up to `limit` requests, oldest first; how many changed.

    Requests that another transaction is at work on are left to it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"open": OPEN_VALUES, "limit": limit})
        due = [row[0] for row in cursor.fetchall()]
    return sum(map(_sweep_one, due))


def _sweep_one(request_id: UUID) -> bool:
    try:
        return run_due_step(request_id, channel=Channel.SWEEP, wait=False)
    except Exception:  # one request that fails must not hold up the others
        logger.exception("the due step of request %s failed", request_id)
        return False


@transaction.atomic
def run_due_step(request_id: UUID, *, channel: Channel, wait: bool = True) -> bool:
    """Do what is due for this request, if anything; True where it changed.

    wait=False leaves a request alone that another transaction holds. Raises not_found.
    """
    locked = lock_request(request_id, skip_locked=not wait)
    return locked is not None and due_step(locked, channel)


def due_step(locked: Locked, channel: Channel) -> bool:
    """The step under locks that the caller holds."""
    request, now = locked.request, locked.now
    if request.status in OPEN_VALUES:
        if request.deadline is None or request.deadline > now:
            return False
        _time_is_up(request, now, channel)
        return True
    return _lapse(request, now, channel)


def _lapse(request: ApprovalRequest, now: datetime, channel: Channel) -> bool:
    """An approval that nobody used in time is none any more."""
    if request.execution != Execution.AVAILABLE or request.approval_until is None:
        return False
    if request.approval_until > now:
        return False
    request.execution = Execution.LAPSED
    event = request_event(EventType.EXECUTION_LAPSED, request, SYSTEM, now=now, channel=channel)
    Change(request, now).save(event)
    return True


def _time_is_up(request: ApprovalRequest, now: datetime, channel: Channel) -> None:
    change = Change(request, now)
    payload: dict[str, object] = {"tier_before": request.tier}
    if request.status == Status.NEEDS_INFO:
        _escalate(change, reason="no_answer", next_tier=True)
    elif request.level == Level.SOFT_APPROVAL:
        payload |= _end_of_soft(change)
    elif request.tier < LAST_TIER:
        _escalate(change, reason="time_limit", next_tier=True)
    else:
        request.reason = "exhausted"
        change.close(Step.EXPIRE, Resolution.EXHAUSTED)
        change.tell(Delivery.Kind.EXPIRED)
    payload |= {"reason": request.reason, "tier": request.tier}
    event = request_event(
        EventType.TIMEOUT,
        request,
        SYSTEM,
        now=now,
        channel=channel,
        status_before=change.before,
        reviewer_decision=request.status,
        payload=payload,
    )
    change.save(event)


def _end_of_soft(change: Change) -> dict[str, object]:
    """Silence is consent only if people were told and nobody is at work on it."""
    request = change.request
    presence = notice_was_given(request)
    if not _may_consent(request):
        _escalate(change, reason="no_silent_consent", next_tier=True)
    elif _claimed_at_deadline(request):
        _escalate(change, reason="claimed", next_tier=True)
    elif presence is None:
        _escalate(change, reason="no_notice", next_tier=False)
    else:
        request.reason = "silence"
        change.close(Step.CONSENT, Resolution.SILENT_CONSENT)
        return {"presence_id": presence.pk, "seen_by": str(presence.user_id)}
    return {}


def _may_consent(request: ApprovalRequest) -> bool:
    return request.silent_consent and request.quorum == 1 and request.agent.read_only_since is None


def _claimed_at_deadline(request: ApprovalRequest) -> bool:
    """However late the step is run: what counts is who was at work when time was up."""
    until, deadline = request.claimed_until, request.deadline
    return until is not None and deadline is not None and until > deadline


def _escalate(change: Change, *, reason: str, next_tier: bool) -> None:
    """Whatever escalates is at least HARD_APPROVAL from then on."""
    request = change.request
    change.step(Step.ESCALATE)
    request.reason = reason
    request.level = max(request.level, Level.HARD_APPROVAL)
    if next_tier:
        request.tier = min(request.tier + 1, LAST_TIER)
    change.restart_clock()
    change.tell(Delivery.Kind.ESCALATED)
