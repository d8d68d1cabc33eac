"""A stopped agent waits for somebody to say that they have it: the next tier is told, again and
again at the last one, until somebody does.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from approvals.access import acknowledgement_refusal, as_of_now, in_sight
from approvals.escalation.clock import next_reminder
from approvals.live.publish import tell_changed
from approvals.models import Notification, Takeover
from approvals.services.changes import takeover_news
from approvals.services.locking import share_agents
from approvals.services.tiers import escalation_of
from approvals.vocabulary import TakeoverStatus
from audit.events import SYSTEM, Actor, Event, EventType, agent_stream
from audit.services import record
from hitlconsole.accounts.models import User
from hitlconsole.accounts.services import person
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem

logger = logging.getLogger(__name__)

_DUE = """
SELECT id, agent_id FROM approvals_takeover
WHERE status = 'open' AND acknowledged_at IS NULL
  AND least(acknowledge_by, reminder_at) <= (SELECT hitl_now())
ORDER BY acknowledge_by LIMIT %s
"""


@transaction.atomic
def acknowledge_takeover(*, takeover_id: UUID, reviewer: User) -> Takeover:
    """Its clock stops. Again by the same person: nothing changes.

    Raises not_found, not_allowed, takeover_conflict.
    """
    seen = Takeover.objects.filter(in_sight(reviewer), pk=takeover_id).first()
    if seen is None:
        raise Problem("not_found", "There is no such takeover, or it belongs to another team.")
    share_agents([seen.agent_id])
    takeover = Takeover.objects.select_for_update(of=("self",), no_key=True).get(pk=takeover_id)
    refusal = acknowledgement_refusal(as_of_now(reviewer), takeover)
    if refusal is not None:
        raise Problem("not_allowed", refusal)
    if takeover.status != TakeoverStatus.OPEN:
        raise Problem("takeover_conflict", "The agent was released already.")
    if takeover.acknowledged_by is not None:
        if takeover.acknowledged_by != reviewer:
            raise Problem("takeover_conflict", f"{takeover.acknowledged_by.name} has it already.")
        return takeover
    now = database_now()
    takeover.acknowledged_at, takeover.acknowledged_by = now, reviewer
    takeover.reminder_at = None
    takeover.save(update_fields=["acknowledged_at", "acknowledged_by", "reminder_at"])
    event = _event(EventType.TAKEOVER_ACKNOWLEDGED, takeover, person(reviewer))
    record([event], at=now)
    tell_changed([takeover])
    return takeover


def sweep_takeovers(limit: int = 100) -> int:
    """Remind and escalate what nobody has acknowledged, oldest first; how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [limit])
        due = cursor.fetchall()
    return sum(_try_step(takeover_id, agent_id) for takeover_id, agent_id in due)


def _try_step(takeover_id: UUID, agent_id: UUID) -> bool:
    try:
        return _run_step(takeover_id, agent_id)
    except Exception:  # one that fails must not hold up the others, nor the requests after them
        logger.exception("the due step of takeover %s failed", takeover_id)
        return False


@transaction.atomic
def _run_step(takeover_id: UUID, agent_id: UUID) -> bool:
    """False where another transaction is at work on it, or nothing is due any more."""
    if not share_agents([agent_id], skip_locked=True):
        return False
    waiting = Takeover.objects.filter(status=TakeoverStatus.OPEN, acknowledged_at=None)
    locked = waiting.select_for_update(of=("self",), no_key=True, skip_locked=True)
    takeover = locked.filter(pk=takeover_id).first()
    if takeover is None:
        return False
    now = database_now()
    if takeover.acknowledge_by <= now:
        _escalate(takeover, now)
    elif takeover.reminder_at is not None and takeover.reminder_at <= now:
        _remind(takeover, now)
    else:
        return False
    return True


def _escalate(takeover: Takeover, now: datetime) -> None:
    policy = escalation_of(takeover.team_id)
    takeover.tier = min(takeover.tier + 1, policy.last_tier)
    seconds = policy.tier(takeover.tier).seconds or takeover.acknowledge_seconds
    takeover.waiting_since, takeover.acknowledge_by = now, now + timedelta(seconds=seconds)
    _save_clock(takeover, Notification.Kind.TAKEOVER_ESCALATED, now)
    record([_event(EventType.TAKEOVER_ESCALATED, takeover, SYSTEM)], at=now)
    tell_changed([takeover])


def _remind(takeover: Takeover, now: datetime) -> None:
    _save_clock(takeover, Notification.Kind.TAKEOVER_REMINDER, now)


def _save_clock(takeover: Takeover, kind: Notification.Kind, now: datetime) -> None:
    since = takeover.waiting_since or takeover.started_at
    takeover.reminder_at = next_reminder(since, takeover.acknowledge_by, after=now)
    takeover.save(update_fields=["tier", "waiting_since", "acknowledge_by", "reminder_at"])
    takeover_news(takeover, kind, now).save(force_insert=True)


def _event(kind: EventType, takeover: Takeover, actor: Actor) -> Event:
    payload = {"takeover_id": str(takeover.id), "tier": takeover.tier}
    stream = agent_stream(takeover.agent_id)
    return Event(kind, stream, actor, agent_id=takeover.agent_id, payload=payload)
