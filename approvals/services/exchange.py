"""What an agent does with its own open request: answer, add evidence, withdraw."""

from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.models import ApprovalRequest, Message, Notification
from approvals.representation import load_request, represent_request
from approvals.services.changes import Change
from approvals.services.deadlines import due_step
from approvals.services.events import request_event
from approvals.services.locking import Locked, lock_own_request
from approvals.states import Event as Step
from approvals.vocabulary import OPEN, Channel, Resolution, Status
from audit.events import Actor, ActorKind, EventType
from hitlconsole.lib.problems import Problem


def post_message(
    *,
    agent_id: UUID,
    request_id: UUID,
    text: str,
    data: Any = None,
    idempotency_key: str | None = None,
    body_sha256: bytes | None = None,
) -> tuple[Message, bool]:
    """(message, was it a repeat). It answers a question where one was asked: the request goes
    back to where it was, with a fresh time limit. Otherwise it adds evidence.

    Raises not_found, already_closed, idempotency_conflict.
    """
    message = Message(
        text=text, data=data, idempotency_key=idempotency_key, body_sha256=body_sha256
    )
    posted = _post(agent_id, request_id, message)
    if isinstance(posted, Problem):
        raise posted
    return posted, posted is not message


@transaction.atomic
def _post(agent_id: UUID, request_id: UUID, message: Message) -> Message | Problem:
    """The message, or an earlier one in its place.

    A refusal is returned, so that what the deadline made of the request is stored.
    """
    locked = lock_own_request(request_id, agent_id)
    earlier = _earlier(locked, message)
    if earlier is not None:
        return earlier
    # An answer past the deadline meets what the deadline made of the request.
    due_step(locked, Channel.POLL)
    if locked.request.status not in OPEN:
        return _closed(locked.request)
    answers = locked.request.status == Status.NEEDS_INFO
    message.kind = Message.Kind.ANSWER if answers else Message.Kind.EVIDENCE
    message.request, message.at = locked.request, locked.now
    message.save(force_insert=True)
    _take_in(locked, message)
    return message


def _earlier(locked: Locked, message: Message) -> Message | None:
    """Raises idempotency_conflict."""
    if message.idempotency_key is None:
        return None
    earlier = Message.objects.filter(
        request=locked.request, idempotency_key=message.idempotency_key
    ).first()
    if earlier is not None and bytes(earlier.body_sha256 or b"") != message.body_sha256:
        raise Problem("idempotency_conflict", "This key was used for another message.")
    return earlier


def _take_in(locked: Locked, message: Message) -> None:
    request = locked.request
    change = Change(request, locked.now)
    answers = message.kind == Message.Kind.ANSWER
    if answers:
        after = request.escalated_before_question
        change.step(Step.ANSWER_AFTER_ESCALATION if after else Step.ANSWER)
        change.restart_clock()
        change.tell(Notification.Kind.ANSWERED)
    event = request_event(
        EventType.ANSWERED if answers else EventType.EVIDENCE_ADDED,
        request,
        Actor(ActorKind.AGENT, request.agent_id),
        now=locked.now,
        channel=Channel.API,
        status_before=change.before,
        payload={"message_id": str(message.id)},
        personal={"text": message.text},
    )
    change.save(event)


def withdraw_request(*, agent_id: UUID, request_id: UUID, reason: str = "") -> ApprovalRequest:
    """The agent needs no answer any more; withdrawing again changes nothing.

    Raises not_found, already_closed.
    """
    withdrawn = _withdraw(agent_id, request_id, reason)
    if isinstance(withdrawn, Problem):
        raise withdrawn
    return withdrawn


@transaction.atomic
def _withdraw(agent_id: UUID, request_id: UUID, reason: str) -> ApprovalRequest | Problem:
    """As in _post, a refusal is returned.

    Past the deadline as well: what is still open can be withdrawn, and silence must not approve
    what its agent gives up.
    """
    locked = lock_own_request(request_id, agent_id)
    request = locked.request
    if request.status == Status.CANCELLED:
        return request
    if request.status not in OPEN:
        return _closed(request)
    change = Change(request, locked.now)
    request.reason = reason
    change.close(Step.WITHDRAW, Resolution.WITHDRAWN)
    event = request_event(
        EventType.CANCELLED,
        request,
        Actor(ActorKind.AGENT, agent_id),
        now=locked.now,
        channel=Channel.API,
        status_before=change.before,
        personal={"reason": reason} if reason else {},
    )
    change.save(event)
    return request


def _closed(request: ApprovalRequest) -> Problem:
    fresh = load_request(request.id)
    assert fresh is not None  # requests are kept
    detail = f"The request is {request.status} already."
    return Problem("already_closed", detail, extra={"request": represent_request(fresh)})
