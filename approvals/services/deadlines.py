"""What happens when time is up: a step for one request, run by polls, and by the sweep for many.

The deadline is a row, the clock is the database's, and nothing here depends on who comes first:
the step looks again under the lock.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models.expressions import RawSQL

from approvals.escalation.clock import Ending, Silence, Wait, end_of_wait
from approvals.escalation.policy import EscalationPolicy
from approvals.models import OPEN_VALUES, ApprovalRequest, Notification
from approvals.services.changes import Change, plan_reminder
from approvals.services.events import request_event
from approvals.services.held import objected_to
from approvals.services.holds import give_up_holds, release_due_holds
from approvals.services.locking import Locked, lock_request, share_agents
from approvals.services.notice import Evidence, evidence_of
from approvals.services.sweep_writer import write_changes
from approvals.services.tiers import escalations_of
from approvals.states import Event as Step
from approvals.vocabulary import Channel, Execution, Resolution, Status
from audit.events import SYSTEM, Event, EventType
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Agent
from hitlconsole.lib.clock import database_now

logger = logging.getLogger(__name__)

# Locks what is due, oldest first, and passes over what others are at work on. The time is asked for
# once, in a query of its own: as a function that is never the same twice it could not be looked up
# in an index, and each tick would read through everything that is open. What is held counts first
# (sweep_holds), and takes nobody's place here.
_CLAIM = """
WITH overdue AS MATERIALIZED (
    SELECT id, deadline AS at FROM approvals_approvalrequest
    WHERE status = ANY(%(open)s) AND deadline IS NOT NULL AND deadline <= (SELECT hitl_now())
      AND held_until IS NULL AND id <> ALL(%(without)s)
    ORDER BY deadline LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), lapsing AS MATERIALIZED (
    SELECT id, approval_until AS at FROM approvals_approvalrequest
    WHERE execution = 'available' AND approval_until <= (SELECT hitl_now())
      AND id <> ALL(%(without)s)
    ORDER BY approval_until LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), reminding AS MATERIALIZED (
    SELECT id, reminder_at AS at FROM approvals_approvalrequest
    WHERE status = ANY(%(open)s) AND reminder_at IS NOT NULL AND reminder_at <= (SELECT hitl_now())
      AND deadline > (SELECT hitl_now()) AND held_until IS NULL AND id <> ALL(%(without)s)
    ORDER BY reminder_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
SELECT id FROM (
    SELECT id, at, 0 AS rank FROM overdue UNION ALL SELECT id, at, 1 FROM lapsing
    UNION ALL SELECT id, at, 2 FROM reminding
) AS due ORDER BY rank, at
"""
# So many batches in which nothing can be changed are passed over in one sweep.
MOST_BATCHES = 20
# What no step looks at stays in the database.
_HEAVY = (
    "action",
    "proposed_action",
    "risk",
    "confidence",
    "context",
    "metadata",
    "resume_state",
    "description",
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the steps of a group depend on, read once after the locks are held."""

    now: datetime
    channel: Channel
    policies: dict[UUID, EscalationPolicy]
    evidence: dict[UUID, Evidence]
    objected: set[UUID]


def sweep_due(limit: int = 500) -> int:
    """Run the due step of up to `limit` requests of each kind, oldest first; how many changed.

    One transaction for all of them; where it fails, each gets one of its own, so that a request
    that cannot be changed does not hold up the others.
    """
    try:
        with transaction.atomic():
            ids = _claim(limit)
            return _run_group(ids)
    except Exception:  # whatever it is: one by one it shows which request has it
        logger.exception("a group of due requests failed; they are tried one by one")
    return _sweep_singly(limit)


def sweep_holds(limit: int = 500) -> int:
    """Let up to `limit` held verdicts count whose time has come, oldest first; how many requests
    changed. Each has a transaction of its own: people decide one by one.
    """
    due = ApprovalRequest.objects.filter(held_until__lte=RawSQL("(SELECT hitl_now())", ()))
    ids = list(due.order_by("held_until").values_list("id", flat=True)[:limit])
    return sum(map(_let_count, ids))


def _let_count(request_id: UUID) -> bool:
    """What can't count must not keep its request from everybody for ever, nor hide its deadline."""
    try:
        return run_due_step(request_id, channel=Channel.SWEEP, wait=False)
    except OperationalError:  # the database, not this verdict
        logger.exception("the database did not let what request %s holds count", request_id)
    except Exception:
        logger.exception("what request %s holds cannot count", request_id)
        return _give_up(request_id)
    return False


def _give_up(request_id: UUID) -> bool:
    try:
        return give_up_holds(request_id)
    except Exception:  # one request that fails must not hold up the others
        logger.exception("what request %s holds could not be cancelled", request_id)
        return False


def _sweep_singly(limit: int) -> int:
    """Until something changes: a whole batch that fails must not hide what comes after it."""
    tried: list[UUID] = []
    for _ in range(MOST_BATCHES):
        with transaction.atomic():
            ids = _claim(limit, without=tried)
        changed = sum(map(_sweep_one, ids))
        if changed or not ids:
            return changed
        tried += ids
    return 0


def _claim(limit: int, without: Collection[UUID] = ()) -> list[UUID]:
    parameters: dict[str, Any] = {"open": OPEN_VALUES, "limit": limit, "without": list(without)}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, parameters)
        return list(dict.fromkeys(row[0] for row in cursor.fetchall()))


def _run_group(ids: Sequence[UUID]) -> int:
    requests = ApprovalRequest.objects.defer(*_HEAVY).in_bulk(ids)
    free = share_agents({r.agent_id for r in requests.values()}, skip_locked=True)
    agents = Agent.objects.in_bulk(free)
    ours = [requests[pk] for pk in ids if requests[pk].agent_id in agents]
    for request in ours:
        request.agent = agents[request.agent_id]
    around = _look_around(ours, Channel.SWEEP)
    done = [(change, events) for request in ours for change, events in _step(request, around)]
    write_changes(done, at=around.now)
    return len(done)


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
    """The step under locks that the caller holds. What was held counts before time is up."""
    request = locked.request
    released = release_due_holds(locked)
    if request.held_until is not None or not _is_due(request, locked.now):
        return released
    around = _look_around([request], channel, locked.now)
    for change, events in _step(request, around):
        change.save(*events)
    return True


def _is_due(request: ApprovalRequest, now: datetime) -> bool:
    if request.status in OPEN_VALUES:
        return request.deadline is not None and request.deadline <= now
    until = request.approval_until
    return request.execution == Execution.AVAILABLE and until is not None and until <= now


def _look_around(
    requests: Sequence[ApprovalRequest], channel: Channel, now: datetime | None = None
) -> Surroundings:
    consenting = [request.id for request in requests if _could_consent(request)]
    return Surroundings(
        now=now or database_now(),
        channel=channel,
        policies=escalations_of({request.team_id for request in requests}),
        evidence=evidence_of(consenting),
        objected=objected_to(consenting),
    )


def _could_consent(request: ApprovalRequest) -> bool:
    return request.status == Status.PENDING and request.level == Level.SOFT_APPROVAL


def _step(request: ApprovalRequest, around: Surroundings) -> list[tuple[Change, list[Event]]]:
    """What is due for one request, as a change that is not yet written; nothing: no change."""
    now = around.now
    change = Change(request, now)
    if _is_due(request, now):
        if request.status in OPEN_VALUES:
            return [(change, [_time_is_up(change, around)])]
        return [(change, [_lapse(change, around)])]
    if request.reminder_at is not None and request.reminder_at <= now:
        change.grows = False
        change.tell(Notification.Kind.REMINDER)
        plan_reminder(request, now)
        return [(change, [])]
    return []


def _lapse(change: Change, around: Surroundings) -> Event:
    """An approval that nobody used in time is none any more."""
    change.request.execution = Execution.LAPSED
    return request_event(
        EventType.EXECUTION_LAPSED, change.request, SYSTEM, now=around.now, channel=around.channel
    )


def _time_is_up(change: Change, around: Surroundings) -> Event:
    request, policy = change.request, around.policies[change.request.team_id]
    tier_before, evidence = request.tier, around.evidence.get(request.id)
    wait = replace(_wait(request, policy), objected=request.id in around.objected)
    ending = end_of_wait(wait, notice=evidence is not None)
    request.reason = ending.reason
    if ending.silence is Silence.ESCALATE:
        _escalate(change, ending, policy)
    elif ending.silence is Silence.EXPIRE:
        change.close(Step.EXPIRE, Resolution.EXHAUSTED)
    else:
        request.notice = evidence and evidence.to_json()
        change.close(Step.CONSENT, Resolution.SILENT_CONSENT)
    return request_event(
        EventType.TIMEOUT,
        request,
        SYSTEM,
        now=around.now,
        channel=around.channel,
        status_before=change.before,
        reviewer_decision=request.status,
        payload={
            "tier_before": tier_before,
            "reason": ending.reason,
            "tier": request.tier,
            **({"notice": request.notice} if request.notice else {}),
        },
    )


def _wait(request: ApprovalRequest, policy: EscalationPolicy) -> Wait:
    """Whether it was claimed: what counts is who was at work when time was up."""
    until, deadline = request.claimed_until, request.deadline
    return Wait(
        level=Level(request.level),
        status=Status(request.status),
        tier=request.tier,
        last_tier=policy.last_tier,
        silent_consent=request.silent_consent,
        quorum=request.quorum,
        agent_read_only=request.agent.read_only_since is not None,
        claimed=until is not None and deadline is not None and until > deadline,
    )


def _escalate(change: Change, ending: Ending, policy: EscalationPolicy) -> None:
    """Whatever escalates is at least HARD_APPROVAL from then on."""
    request = change.request
    change.step(Step.ESCALATE)
    request.level = max(request.level, Level.HARD_APPROVAL)
    request.tier = ending.tier
    change.restart_clock(policy)
    change.tell(Notification.Kind.ESCALATED)
