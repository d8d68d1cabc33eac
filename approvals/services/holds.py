"""Verdicts given in the console count a few seconds later, so that they can be undone.

The hold is a state of the server: the request stays open and its agent hears nothing, others see
who is about to do what, and the due step applies it through the same door. Its author may undo it
until it counts; a new revision of the request cancels it (services.changes).
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from approvals.access import as_of_now, decision_refusal, get_request_for
from approvals.live.publish import tell_changed
from approvals.models import ApprovalRequest, Hold
from approvals.services.held import (
    cancel_holds,
    end_hold,
    ended_last,
    hold_event,
    set_held_until,
    waiting_holds,
    wake_waiters,
)
from approvals.services.locking import Locked, lock_request
from approvals.services.refusals import refuse_verdict
from approvals.services.telling import tell_person
from approvals.services.verdicts import APPLY, Verdicted
from approvals.vocabulary import (
    NO_HOLD_WITHIN_SECONDS,
    Channel,
    HoldEnd,
    Verdict,
)
from audit.events import SYSTEM, EventType
from audit.services import record
from hitlconsole.accounts.models import User
from hitlconsole.accounts.profile import MAX_HOLD_SECONDS
from hitlconsole.accounts.services import person
from hitlconsole.lib.problems import Problem

HOLDABLE = (Verdict.APPROVE, Verdict.REJECT)
# What still fails to count after that time is given up.
FAILS_FOR = timedelta(minutes=5)


def seconds_held(locked: Locked, given: Verdicted, wanted: int) -> int:
    """How long this verdict is held; 0: it counts at once. Never up to the deadline."""
    if given.verdict not in HOLDABLE or given.channel is not Channel.WEB or given.token is None:
        return 0
    deadline = locked.request.deadline
    if deadline and deadline - locked.now < timedelta(seconds=NO_HOLD_WITHIN_SECONDS):
        return 0
    return min(max(wanted, 0), MAX_HOLD_SECONDS)


def hold_verdict(locked: Locked, given: Verdicted, seconds: int) -> None:
    """Keep the verdict until it counts. Another person's held verdict that it overrules ends."""
    request = locked.request
    assert given.token is not None  # seconds_held holds nothing without one
    cancelled = []
    if given.verdict is Verdict.REJECT:
        cancelled = cancel_holds(request, locked.now, f"{given.reviewer.name} rejects it")
    hold = Hold.objects.create(
        request=request,
        reviewer=given.reviewer,
        verdict=given.verdict,
        revision=request.revision,
        notes=given.notes,
        acknowledged=given.acknowledged,
        token=given.token,
        given_at=locked.now,
        counts_at=locked.now + timedelta(seconds=seconds),
    )
    request.held_until = min(request.held_until or hold.counts_at, hold.counts_at)
    request.save(update_fields=["held_until"])
    wake_waiters(request)
    event = hold_event(EventType.HELD, request, hold, person(given.reviewer), locked.now)
    record([event, *cancelled], at=locked.now)
    tell_changed([request])


def holds_verdict(user: User, request: ApprovalRequest) -> bool:
    """Whether a verdict of this person about it waits to count."""
    return any(hold.reviewer_id == user.id for hold in waiting_holds(request))


def undo_hold(*, request_id: UUID, reviewer: User) -> Hold:
    """What the person held, as it was given; again, it stays undone. Raises not_found and not_held
    (it counts already, was cancelled, or never was).
    """
    own = Hold.objects.filter(request=request_id, reviewer=reviewer, end=None)
    if not own.exists():  # what one holds can be undone, whatever else one sees by now
        get_request_for(reviewer, request_id)
    undone = _undo(request_id, reviewer)
    if undone is None:
        raise Problem("not_held", "There is nothing to undo any more: it counts, or has ended.")
    return undone


@transaction.atomic
def _undo(request_id: UUID, reviewer: User) -> Hold | None:
    locked = lock_request(request_id)
    assert locked is not None  # found before, and requests are kept
    release_due_holds(locked)
    waiting = waiting_holds(locked.request)
    mine = next((hold for hold in waiting if hold.reviewer_id == reviewer.id), None)
    if mine is None:
        return ended_last(locked.request, reviewer, HoldEnd.UNDONE)
    end_hold(mine, HoldEnd.UNDONE, locked.now)
    _keep_others(locked.request, mine, waiting)
    event = hold_event(EventType.HOLD_UNDONE, locked.request, mine, person(reviewer), locked.now)
    record([event], at=locked.now)
    return mine


def _keep_others(request: ApprovalRequest, ended: Hold, waiting: list[Hold]) -> None:
    set_held_until(request, [hold for hold in waiting if hold.id != ended.id])
    request.save(update_fields=["held_until"])
    tell_changed([request])


def release_due_holds(locked: Locked) -> bool:
    """Apply what counts by now, oldest first; True where something ended."""
    request, ended = locked.request, False
    while request.held_until is not None and request.held_until <= locked.now:
        waiting = waiting_holds(request)
        _release(locked, waiting[0], waiting)
        ended = True
    return ended


def _release(locked: Locked, hold: Hold, waiting: list[Hold]) -> None:
    """Rights and state are checked again: what became impossible is cancelled, visibly."""
    given = _given(hold)
    refusal = _refusal(locked, given)
    end = HoldEnd.COUNTED if refusal is None else HoldEnd.CANCELLED
    end_hold(hold, end, locked.now, refusal or "")
    _keep_others(locked.request, hold, waiting)
    if refusal is None:
        APPLY[given.verdict](locked, given)
        return
    tell_person(locked.request, hold.reviewer, locked.now)
    kind = EventType.HOLD_CANCELLED
    record([hold_event(kind, locked.request, hold, SYSTEM, locked.now)], at=locked.now)


@transaction.atomic
def give_up_holds(request_id: UUID) -> bool:
    """Cancel what has failed to count for minutes: people can decide anew, the deadline is kept.
    True where something was cancelled.
    """
    locked = lock_request(request_id, skip_locked=True)
    if locked is None or locked.request.held_until is None:
        return False
    if locked.now - locked.request.held_until < FAILS_FOR:
        return False
    cancelled = cancel_holds(locked.request, locked.now, "It could not be applied")
    locked.request.save(update_fields=["held_until"])
    record(cancelled, at=locked.now)
    tell_changed([locked.request])
    return True


def _given(hold: Hold) -> Verdicted:
    return Verdicted(
        reviewer=as_of_now(hold.reviewer),
        verdict=Verdict(hold.verdict),
        revision=hold.revision,
        channel=Channel.WEB,
        notes=hold.notes,
        token=hold.token,
        acknowledged=hold.acknowledged,
        given_at=hold.given_at,
    )


def _refusal(locked: Locked, given: Verdicted) -> str | None:
    refusal = decision_refusal(given.reviewer, locked.request)
    if refusal is not None:
        return refusal
    try:
        refuse_verdict(locked, given)
    except Problem as problem:
        return problem.detail
    return None
