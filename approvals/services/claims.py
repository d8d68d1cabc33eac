"""Working on a request without deciding it: a lease, more time, a comment."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from approvals.access import (
    as_of_now,
    comment_refusal,
    deciders,
    decision_refusal,
    get_request_for,
)
from approvals.live.publish import tell_changed
from approvals.models import ApprovalRequest, Message
from approvals.services.changes import Change, plan_reminder
from approvals.services.deadlines import run_due_step
from approvals.services.events import request_event
from approvals.services.locking import Locked, lock_request
from approvals.services.telling import tell_person
from approvals.vocabulary import CLAIM_SECONDS, EXTEND_SECONDS, OPEN, Channel
from audit.events import Event, EventType
from audit.services import record
from hitlconsole.accounts.access import may_administer
from hitlconsole.accounts.models import User
from hitlconsole.accounts.services import person
from hitlconsole.lib.jsonvalues import find_flaw
from hitlconsole.lib.problems import Problem, invalid_field

MAX_COMMENT = 4000

Refusal = Callable[[User, ApprovalRequest], str | None]


def claim_request(*, request_id: UUID, reviewer: User) -> ApprovalRequest:
    """A lease of ten minutes, renewed by claiming again. It tells others, it stops nobody from
    deciding. Raises not_found, not_allowed, already_closed, claimed_by_other.
    """
    _do_what_is_due(request_id, reviewer)
    with transaction.atomic():
        locked = _lock_open(request_id, reviewer)
        request = locked.request
        holder = _holder(locked)
        if holder is not None and holder != reviewer:
            raise Problem("claimed_by_other", f"{holder.name} works on it.")
        events = [] if holder == reviewer else [_event(EventType.CLAIMED, locked, reviewer)]
        _lease(locked, reviewer, *events)
        return request


def _holder(locked: Locked) -> User | None:
    request = locked.request
    if request.claimed_until is None or request.claimed_until <= locked.now:
        return None
    return request.claimed_by


def release_claim(*, request_id: UUID, reviewer: User) -> ApprovalRequest:
    """Give the lease back; nothing happens where the person does not hold it."""
    _do_what_is_due(request_id, reviewer)
    with transaction.atomic():
        locked = _lock_open(request_id, reviewer)
        request = locked.request
        if _holder(locked) == reviewer:
            request.claimed_by = request.claimed_until = None
            event = _event(EventType.RELEASED, locked, reviewer)
            Change(request, locked.now, grows=False).save(event)
        return request


def reassign_request(*, request_id: UUID, reviewer: User, to: UUID) -> ApprovalRequest:
    """Hand the lease to somebody else who may decide, for ten minutes from now; they get a notice.

    What another person holds, only an admin of the team hands on. Raises invalid_request,
    not_found, not_allowed, already_closed, claimed_by_other.
    """
    _do_what_is_due(request_id, reviewer)
    with transaction.atomic():
        locked = _lock_open(request_id, reviewer)
        request, holder = locked.request, _holder(locked)
        if holder not in (None, reviewer) and not may_administer(reviewer, request.team):
            raise Problem("claimed_by_other", f"{holder.name} works on it.")
        receiver = deciders(request).filter(pk=to).first()
        if receiver is None:
            raise invalid_field("to", "Choose somebody who may decide this request.")
        if receiver == holder:
            return request
        _lease(locked, receiver, _reassigned(locked, reviewer, holder, receiver))
        tell_person(request, receiver, locked.now)
        return request


def _lease(locked: Locked, to: User, *events: Event) -> None:
    locked.request.claimed_by = to
    locked.request.claimed_until = locked.now + timedelta(seconds=CLAIM_SECONDS)
    Change(locked.request, locked.now, grows=False).save(*events)


def _reassigned(locked: Locked, reviewer: User, holder: User | None, receiver: User) -> Event:
    payload = {
        "from": None if holder is None else str(holder.id),
        "to": str(receiver.id),
    }
    return _event(EventType.REASSIGNED, locked, reviewer, payload=payload)


def extension_left(request: ApprovalRequest) -> int:
    """By how many seconds the time limit can still be extended now: it at most doubles."""
    if request.deadline is None or request.waiting_since is None:
        return 0
    limit = request.deadline - request.waiting_since
    original = int(limit.total_seconds()) - request.extended_seconds
    return max(0, min(EXTEND_SECONDS, original - request.extended_seconds))


def extend_deadline(*, request_id: UUID, reviewer: User) -> ApprovalRequest:
    """Five minutes more, at most to double the original limit. Raises not_waiting."""
    _do_what_is_due(request_id, reviewer)
    with transaction.atomic():
        locked = _lock_open(request_id, reviewer)
        request = locked.request
        if request.deadline is None or request.waiting_since is None:
            raise Problem("not_waiting", "The clock of this request is stopped.")
        more = extension_left(request)
        if more == 0:
            raise Problem("not_waiting", "The time limit was doubled already; escalate it instead.")
        request.deadline += timedelta(seconds=more)
        request.extended_seconds += more
        plan_reminder(request, locked.now)
        event = _event(EventType.EXTENDED, locked, reviewer, payload={"seconds": more})
        Change(request, locked.now).save(event)
        return request


def comment_on_request(*, request_id: UUID, reviewer: User, text: str) -> Message:
    """A comment among people on an open request: the agent does not get it.

    Raises invalid_request, not_found, not_allowed, already_closed.
    """
    if not text.strip() or len(text) > MAX_COMMENT:
        raise invalid_field("text", f"must have 1 to {MAX_COMMENT} characters")
    flaw = find_flaw(text)
    if flaw is not None:
        raise invalid_field("text", flaw.msg)
    _do_what_is_due(request_id, reviewer)
    with transaction.atomic():
        locked = _lock_open(request_id, reviewer, comment_refusal)
        message = Message.objects.create(
            request=locked.request,
            kind=Message.Kind.COMMENT,
            person=reviewer,
            text=text.strip(),
            at=locked.now,
        )
        event = _event(EventType.COMMENTED, locked, reviewer, personal={"text": message.text})
        record([event], at=locked.now)
        tell_changed([locked.request])
        return message


def _do_what_is_due(request_id: UUID, reviewer: User) -> None:
    """In a transaction of its own, so that a refusal which follows does not undo it."""
    get_request_for(reviewer, request_id)
    run_due_step(request_id, channel=Channel.WEB)


def _lock_open(request_id: UUID, reviewer: User, refusal_of: Refusal = decision_refusal) -> Locked:
    """An open request that this person may decide, or do with what `refusal_of` is about."""
    locked = lock_request(request_id)
    assert locked is not None  # found before, and requests are kept
    refusal = refusal_of(as_of_now(reviewer), locked.request)
    if refusal is not None:
        raise Problem("not_allowed", refusal)
    if locked.request.status not in OPEN:
        raise Problem("already_closed", f"The request is {locked.request.status}.")
    return locked


def _event(kind: EventType, locked: Locked, reviewer: User, **fields: object) -> Event:
    return request_event(
        kind, locked.request, person(reviewer), now=locked.now, channel=Channel.WEB, **fields
    )
