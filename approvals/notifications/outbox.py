"""Sending what was planned: an attempt is on record before it is made.

A worker that dies in between has made an attempt of which the end is unknown: the delivery comes
up again when its lease has run out, under the same id, by which receivers tell a repeat. An
attempt is made outside of any transaction and holds no lock.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from approvals.models import Delivery, DeliveryAttempt, NotificationChannel, Transport
from approvals.notifications.channels.base import (
    Failure,
    Outgoing,
    Permanent,
    Receipt,
    Temporary,
    storable,
)
from approvals.notifications.channels.registry import SENDERS
from approvals.notifications.failover import plan_backup
from approvals.notifications.loading import load_outgoing
from approvals.notifications.planner import plan_late_update, plan_notifications
from hitlconsole.lib.clock import HitlNow, database_now
from hitlconsole.lib.units import unit_of_work

logger = logging.getLogger(__name__)

# Longer than any attempt takes (channels.base.ATTEMPT_SECONDS): nobody else tries meanwhile.
LEASE = timedelta(seconds=60)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# After each failed attempt; together about three days.
PAUSES = (
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    24 * HOUR,
)
MAX_ATTEMPTS = len(PAUSES) + 1
LONGEST_WAIT = timedelta(hours=24)
THREADS = 8
# What a receiver may call a status; smtplib calls an answer that it cannot read -1.
STATUSES = range(1000)
# A tick ends after that time, so that the next one can see new settings and a stop.
TICK_SECONDS = 20.0

# Claims up to `limit` deliveries, and puts the attempts on record, in one statement.
_CLAIM = """
WITH due AS (
    SELECT id FROM approvals_delivery
    WHERE status = 'queued' AND next_attempt_at <= (SELECT hitl_now())
    ORDER BY next_attempt_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE approvals_delivery AS delivery
    SET attempts = attempts + 1, next_attempt_at = hitl_now() + %(lease)s
    FROM due WHERE delivery.id = due.id
    RETURNING delivery.id, delivery.attempts
)
INSERT INTO approvals_deliveryattempt (delivery_id, number, started_at, response, error)
SELECT id, attempts, hitl_now(), '', '' FROM claimed
RETURNING delivery_id, number
"""


def run_outbox(seconds: float = TICK_SECONDS) -> int:
    """Plan and send until nothing is due or the time is over; how many were sent."""
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        planned = plan_notifications()
        attempted, accepted = send_deliveries()
        sent += accepted
        if not planned and not attempted:
            break
    return sent


def send_deliveries(limit: int = 100) -> tuple[int, int]:
    """Attempt what is due, oldest first: (attempts made, messages accepted)."""
    limits: dict[str, Any] = {"limit": limit, "lease": LEASE}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, limits)
        claimed = cursor.fetchall()
    if len(claimed) <= 1 or THREADS == 1:
        return len(claimed), sum(attempt(*one) for one in claimed)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="outbox") as pool:
        return len(claimed), sum(pool.map(lambda one: _attempt_in_thread(*one), claimed))


@unit_of_work
def _attempt_in_thread(delivery_id: UUID, number: int) -> bool:
    return attempt(delivery_id, number)


def attempt(delivery_id: UUID, number: int) -> bool:
    """Make the attempt that is on record; whether the message was accepted."""
    if not _begin(delivery_id, number):
        return False
    try:
        message = load_outgoing(delivery_id)
        if message is None:
            return _drop(delivery_id, number)
        receipt = _send(message)
    except Failure as failure:
        _note_failure(delivery_id, number, failure)
        return False
    except Exception as error:  # a channel's own fault: on record, and tried again
        logger.exception("sending delivery %s failed", delivery_id)
        _note_failure(delivery_id, number, Temporary(f"{type(error).__name__}: {error}"))
        return False
    _note_receipt(delivery_id, number, receipt)
    return True


def _begin(delivery_id: UUID, number: int) -> bool:
    """The lease counts from here, however long the attempt waited for its turn. False where that
    was too long: another worker has the message, or has sent it.
    """
    ours = Delivery.objects.filter(pk=delivery_id, status=Delivery.Status.QUEUED, attempts=number)
    if ours.update(next_attempt_at=HitlNow() + LEASE):
        return True
    tries = DeliveryAttempt.objects.filter(delivery=delivery_id, number=number)
    tries.update(finished_at=HitlNow(), error="not made: another worker had it by then")
    return False


def _send(message: Outgoing) -> Receipt:
    return SENDERS[message.transport](message)


@transaction.atomic
def _drop(delivery_id: UUID, number: int) -> bool:
    """Nothing in it is news any more: the request was closed, or the person has left."""
    delivery = Delivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    delivery.status, delivery.next_attempt_at = Delivery.Status.DROPPED, None
    delivery.save(update_fields=["status", "next_attempt_at"])
    tries = DeliveryAttempt.objects.filter(delivery=delivery, number=number)
    tries.update(finished_at=HitlNow(), error="not needed any more")
    return False


@transaction.atomic
def _note_receipt(delivery_id: UUID, number: int, receipt: Receipt) -> None:
    delivery = Delivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    now = database_now()
    # A repeat may be accepted after the first: what counts as notice is the earliest.
    delivery.sent_at = delivery.sent_at or now
    delivery.status, delivery.next_attempt_at = Delivery.Status.SENT, None
    delivery.provider_ref = storable(receipt.reference, 255) or delivery.provider_ref
    delivery.last_error = ""
    delivery.save()
    _finish(delivery, number, now, DeliveryAttempt.Outcome.SENT, receipt.status, receipt.response)
    _tell_channel(delivery, last_success_at=now, last_error="")
    if delivery.transport == Transport.SLACK and delivery.updates_id is None:
        _follow_up(plan_late_update, delivery)


@transaction.atomic
def _note_failure(delivery_id: UUID, number: int, failure: Failure) -> None:
    delivery = Delivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    if delivery.status != Delivery.Status.QUEUED:
        return
    now = database_now()
    delivery.last_error = failure.detail
    permanent, again = isinstance(failure, Permanent), now + _pause(delivery.attempts, failure)
    ends = permanent or delivery.attempts >= MAX_ATTEMPTS
    delivery.status = Delivery.Status.DEAD if ends else Delivery.Status.QUEUED
    delivery.next_attempt_at = None if ends else again
    if not _follow_up(plan_backup, delivery) and delivery.attempts < MAX_ATTEMPTS:
        # Nobody is told in its place: it is tried again, and so is the backup.
        delivery.status, delivery.next_attempt_at = Delivery.Status.QUEUED, again
    delivery.save()
    outcome = DeliveryAttempt.Outcome.PERMANENT if permanent else DeliveryAttempt.Outcome.TEMPORARY
    _finish(delivery, number, now, outcome, failure.status, failure.response, failure.detail)
    _tell_channel(delivery, last_failure_at=now, last_error=failure.detail)


def _follow_up(plan: Callable[[Delivery], None], delivery: Delivery) -> bool:
    """What follows from a result; where it fails, the result itself is still kept."""
    try:
        with transaction.atomic():
            plan(delivery)
    except Exception:
        logger.exception("what follows from delivery %s could not be planned", delivery.pk)
        return False
    return True


def _pause(attempts: int, failure: Failure) -> timedelta:
    wanted = PAUSES[min(attempts, len(PAUSES)) - 1]
    if isinstance(failure, Temporary) and failure.retry_after is not None:
        asked = timedelta(seconds=max(0.0, failure.retry_after))
        return min(max(wanted, asked), LONGEST_WAIT)
    return wanted


def _finish(
    delivery: Delivery,
    number: int,
    now: datetime,
    outcome: str,
    status: int | None,
    response: str,
    error: str = "",
) -> None:
    DeliveryAttempt.objects.filter(delivery=delivery, number=number).update(
        finished_at=now,
        outcome=outcome,
        response_status=status if status in STATUSES else None,
        response=storable(response),
        error=error,
    )


def _tell_channel(delivery: Delivery, **result: object) -> None:
    """The channel's last result; a row that another sender is writing is left to it."""
    if delivery.channel_id is None:
        return
    own = NotificationChannel.objects.filter(pk=delivery.channel_id)
    if own.select_for_update(skip_locked=True, no_key=True).exists():
        own.update(**result)


def replay_deliveries(ids: Sequence[UUID]) -> int:
    """Try dead letters again at once, with all attempts before them; how many there were."""
    dead = Delivery.objects.filter(pk__in=ids, status=Delivery.Status.DEAD)
    return dead.update(status=Delivery.Status.QUEUED, next_attempt_at=HitlNow())
