"""Sending what the outbox holds: the attempt is recorded before it is made.

A worker that dies in between has made an attempt of which the end is unknown: the delivery comes
up again, and the receiver tells a repeat by its id. Here the receiver is the console's own notice
list, in which a delivery is one notice a person however often it is made.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from approvals.models import Delivery, Notice
from hitlconsole.accounts.models import Membership, Role
from hitlconsole.lib.clock import database_now

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=6)
MAX_ATTEMPTS = 12

# Claims up to `limit` deliveries and moves their next attempt, in one statement.
_CLAIM = """
UPDATE approvals_delivery AS delivery
SET attempts = attempts + 1, attempted_at = hitl_now(),
    next_attempt_at = hitl_now() + least(%(first)s * power(2, attempts), %(longest)s)
WHERE id IN (
    SELECT id FROM approvals_delivery
    WHERE status = 'queued' AND next_attempt_at <= hitl_now()
    ORDER BY next_attempt_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def send_deliveries(limit: int = 200) -> int:
    """Attempt what is due, oldest first; how many were sent."""
    limits: dict[str, Any] = {"first": FIRST_PAUSE, "longest": LONGEST_PAUSE, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, limits)
        claimed = [row[0] for row in cursor.fetchall()]
    return sum(_attempt(delivery_id) for delivery_id in claimed)


def _attempt(delivery_id: UUID) -> bool:
    try:
        with transaction.atomic():
            delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
            if delivery.status != Delivery.Status.QUEUED:
                return False
            _deliver(delivery)
            delivery.status, delivery.sent_at = Delivery.Status.SENT, database_now()
            delivery.last_error = ""
            delivery.save(update_fields=["status", "sent_at", "last_error"])
    except DatabaseError as error:
        _note_failure(delivery_id, str(error))
        return False
    return True


def _deliver(delivery: Delivery) -> None:
    """A notice for everybody who may act on it."""
    Notice.objects.bulk_create(
        [Notice(delivery=delivery, user_id=user_id) for user_id in recipients(delivery)],
        ignore_conflicts=True,
    )


def recipients(delivery: Delivery) -> set[UUID]:
    """The team's reviewers; from the second tier on, and for takeovers, its admins too."""
    roles = [Role.REVIEWER]
    if delivery.tier > 0 or delivery.kind == Delivery.Kind.TAKEOVER:
        roles.append(Role.ADMIN)
    members = Membership.objects.filter(team=delivery.team_id, role__in=roles, user__is_active=True)
    return set(members.values_list("user_id", flat=True))


def _note_failure(delivery_id: UUID, error: str) -> None:
    delivery = Delivery.objects.get(pk=delivery_id)
    delivery.last_error = error[:2000]
    if delivery.attempts >= MAX_ATTEMPTS:
        delivery.status = Delivery.Status.DEAD
    delivery.save(update_fields=["last_error", "status"])
