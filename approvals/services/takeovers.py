"""An agent is stopped, and goes on when an admin releases it.

Both hold the agent alone (services.locking), so that nothing else is at work on its requests.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from approvals.access import in_sight
from approvals.escalation.clock import next_reminder
from approvals.live.publish import tell_changed
from approvals.models import OPEN_VALUES, ApprovalRequest, Notification, Takeover
from approvals.services.changes import Change, takeover_news
from approvals.services.events import request_event
from approvals.services.held import cancel_holds
from approvals.services.locking import lock_agent
from approvals.services.tiers import escalation_of
from approvals.vocabulary import Execution, Status, TakeoverStatus
from audit.events import SYSTEM, Actor, Event, EventType, agent_stream
from audit.services import record
from autonomy.services import lift_from_takeover
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import may_administer
from hitlconsole.accounts.models import Agent, User
from hitlconsole.accounts.services import person
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem, invalid_field

MAX_NOTES = 4000
STOPPED_FIELDS = (
    "level",
    "deadline",
    "waiting_since",
    "reminder_at",
    "held_until",
    "revision",
)
CLOCK_FIELDS = ("deadline", "waiting_since", "reminder_at", "extended_seconds", "last_tier")


@dataclass(frozen=True, slots=True)
class TakeoverCause:
    """Why an agent is stopped. `started_by` None: the policy."""

    takeover_id: UUID
    agent_id: UUID
    team_id: UUID
    request_id: UUID
    acknowledge_seconds: int
    reason: str
    now: datetime
    started_by: User | None = None

    @property
    def actor(self) -> Actor:
        return SYSTEM if self.started_by is None else person(self.started_by)


def begin_takeover(cause: TakeoverCause) -> list[Event]:
    """The agent becomes read-only, the package is stored, people are told: in this order.

    The caller holds the agent alone and records the events that are returned, last. The
    agent's other open requests wait without a clock, and silence cannot approve them any more.
    """
    agent = Agent.objects.get(pk=cause.agent_id)
    if agent.read_only_since is not None:
        raise Problem("takeover_conflict", "A person has taken over this agent already.")
    agent.read_only_since = cause.now
    if agent.status == Agent.Status.ACTIVE:
        agent.status = Agent.Status.READ_ONLY
    agent.save(update_fields=["status", "read_only_since"])
    waiting = [r for r in _open_requests(agent) if r.id != cause.request_id]
    takeover = _store(cause, [request.id for request in waiting])
    takeover_news(takeover, Notification.Kind.TAKEOVER, cause.now).save(force_insert=True)
    events = [event for request in waiting for event in _stop(request, cause)]
    tell_changed([takeover])
    return [*events, _agent_event(EventType.AGENT_READ_ONLY, takeover, cause.actor, cause.reason)]


def _open_requests(agent: Agent) -> list[ApprovalRequest]:
    locked = agent.requests.select_for_update(of=("self",), no_key=True)
    return list(locked.filter(status__in=OPEN_VALUES).order_by("id"))


def _store(cause: TakeoverCause, open_request_ids: list[UUID]) -> Takeover:
    by_policy = cause.started_by is None
    own = escalation_of(cause.team_id).tier(0).seconds
    limit = cause.now + timedelta(seconds=own or cause.acknowledge_seconds)
    return Takeover.objects.create(
        id=cause.takeover_id,
        agent_id=cause.agent_id,
        team_id=cause.team_id,
        request_id=cause.request_id,
        source=Takeover.Source.POLICY if by_policy else Takeover.Source.REVIEWER,
        status=TakeoverStatus.OPEN,
        reason=cause.reason,
        started_by=cause.started_by,
        open_request_ids=open_request_ids,
        started_at=cause.now,
        acknowledge_seconds=cause.acknowledge_seconds,
        waiting_since=cause.now,
        acknowledge_by=limit,
        reminder_at=next_reminder(cause.now, limit, after=cause.now),
    )


def _stop(request: ApprovalRequest, cause: TakeoverCause) -> list[Event]:
    raised = request.level == Level.SOFT_APPROVAL
    if raised:
        request.level = Level.HARD_APPROVAL
    request.deadline = request.waiting_since = request.reminder_at = None
    request.revision += 1
    cancelled = cancel_holds(request, cause.now)
    request.save(update_fields=STOPPED_FIELDS)
    tell_changed([request])
    stopped = request_event(
        EventType.CLOCK_STOPPED,
        request,
        cause.actor,
        now=cause.now,
        payload={"takeover_id": str(cause.takeover_id), "level_raised": raised},
    )
    return [stopped, *cancelled]


def _agent_event(kind: EventType, takeover: Takeover, actor: Actor, reason: str) -> Event:
    request_id = takeover.request_id and str(takeover.request_id)
    payload = {
        "takeover_id": str(takeover.id),
        "request_id": request_id,
        "source": takeover.source,
        # Which ones: each has its own event, and an entry has a bounded size.
        "open_requests": len(takeover.open_request_ids),
    }
    return Event(
        kind,
        agent_stream(takeover.agent_id),
        actor,
        agent_id=takeover.agent_id,
        payload=payload,
        personal={"reason": reason} if reason else {},
    )


@transaction.atomic
def release_takeover(*, takeover_id: UUID, admin: User, notes: str = "") -> Takeover:
    """The agent may act again: its failures are counted anew, its open requests get fresh time
    limits, its unused approvals are revoked. Raises not_found, not_allowed, takeover_conflict.
    """
    if len(notes) > MAX_NOTES:
        raise invalid_field("notes", f"must have at most {MAX_NOTES} characters")
    takeover = Takeover.objects.filter(in_sight(admin), pk=takeover_id).first()
    if takeover is None:
        raise Problem("not_found", "There is no such takeover, or it belongs to another team.")
    agent = lock_agent(takeover.agent_id)
    takeover = Takeover.objects.select_related("team").get(pk=takeover_id)
    if not may_administer(admin, agent.team):
        raise Problem("not_allowed", "Only an admin can release an agent.")
    if takeover.status != TakeoverStatus.OPEN:
        raise Problem("takeover_conflict", "The agent was released already.")
    now = database_now()
    _free(agent, now)
    takeover.status, takeover.released_at = TakeoverStatus.RELEASED, now
    takeover.released_by, takeover.notes = admin, notes
    takeover.save()
    takeover_news(takeover, Notification.Kind.RELEASED, now).save(force_insert=True)
    record(_release_events(agent, takeover, admin, now), at=now)
    tell_changed([takeover])
    return takeover


def _free(agent: Agent, now: datetime) -> None:
    agent.read_only_since, agent.failures_since = None, now
    if agent.status == Agent.Status.READ_ONLY:
        agent.status = Agent.Status.ACTIVE
    agent.save(update_fields=["status", "read_only_since", "failures_since"])


def _release_events(agent: Agent, takeover: Takeover, admin: User, now: datetime) -> list[Event]:
    by = person(admin)
    events = [event for r in _open_requests(agent) for event in _restart(r, by, now)]
    events += [_revoke(request, by, now) for request in _unused_approvals(agent)]
    events += lift_from_takeover(agent, by=by, now=now)
    return [*events, _agent_event(EventType.AGENT_RELEASED, takeover, by, takeover.notes)]


def _restart(request: ApprovalRequest, by: Actor, now: datetime) -> list[Event]:
    change = Change(request, now)
    change.restart_clock()
    request.revision += 1
    cancelled = cancel_holds(request, now)
    request.save(update_fields=[*CLOCK_FIELDS, "held_until", "revision"])
    tell_changed([request])
    return [request_event(EventType.CLOCK_RESTARTED, request, by, now=now), *cancelled]


def _unused_approvals(agent: Agent) -> list[ApprovalRequest]:
    locked = agent.requests.select_for_update(of=("self",), no_key=True)
    approved = locked.filter(status=Status.APPROVED, execution=Execution.AVAILABLE)
    return list(approved.order_by("id"))


def _revoke(request: ApprovalRequest, by: Actor, now: datetime) -> Event:
    request.execution = Execution.REVOKED
    request.save(update_fields=["execution"])
    return request_event(EventType.EXECUTION_REVOKED, request, by, now=now)
