"""The steps that every change of a request is made of: set, record, tell.

Callers hold the locks (services.locking) and a transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from approvals.models import ApprovalRequest, Decision, Delivery, Takeover
from approvals.states import Event as Step
from approvals.states import transition
from approvals.vocabulary import OPEN, Execution, Resolution, Status
from audit.events import Actor, Event, EventType, request_stream
from audit.services import record
from autonomy.vocabulary import Level

CLOSING = frozenset(
    {
        EventType.APPROVED,
        EventType.REJECTED,
        EventType.CANCELLED,
        EventType.TAKEN_OVER,
        EventType.TIMEOUT,
    }
)


@dataclass
class Change:
    """One change of one request, under way: what it was before, and what will be told."""

    request: ApprovalRequest
    now: datetime
    before: str = field(init=False)
    deliveries: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = self.request.status

    def step(self, step: Step) -> None:
        """Raises IllegalTransition where the table has no such step."""
        self.request.status = transition(Status(self.request.status), step)

    def close(self, step: Step, resolution: Resolution, decision: Decision | None = None) -> None:
        request = self.request
        self.step(step)
        request.resolution = resolution
        request.closed_at = self.now
        request.closing_decision = decision
        request.deadline = request.waiting_since = None
        request.claimed_by = request.claimed_until = None
        if request.status == Status.APPROVED:
            request.execution = Execution.AVAILABLE
            request.approval_until = self.now + timedelta(seconds=request.approval_ttl_seconds)

    def restart_clock(self) -> None:
        """The full time limit of the present state, from now; silence needs fresh notice.

        While the agent is read-only its requests wait without a clock.
        """
        request = self.request
        if request.agent.read_only_since is not None:
            request.waiting_since = request.deadline = None
            return
        waits_softly = request.level == Level.SOFT_APPROVAL and request.status == Status.PENDING
        seconds = request.soft_seconds if waits_softly else request.hard_seconds
        request.waiting_since = self.now
        request.deadline = self.now + timedelta(seconds=seconds)
        request.extended_seconds = 0

    def tell(self, kind: Delivery.Kind) -> None:
        request = self.request
        self.deliveries.append(
            Delivery(
                kind=kind,
                team_id=request.team_id,
                request=request,
                tier=request.tier,
                next_attempt_at=self.now,
                created_at=self.now,
            )
        )

    def save(self, *events: Event, grows: bool = True) -> None:
        """Write the request, its messages and its events; `grows`: a new revision."""
        if grows:
            self.request.revision += 1
        self.request.save()
        Delivery.objects.bulk_create(self.deliveries)
        record(events, at=self.now)


def request_event(
    kind: EventType, request: ApprovalRequest, actor: Actor, *, now: datetime, **fields: Any
) -> Event:
    """An event about a request, with what it says about every request filled in.

    The one event that closes a request says so by its resulting status, its resolution and the
    latency from submission to resolution in milliseconds; what comes after it does not.
    """
    closed = request.status not in OPEN and kind in CLOSING
    latency = round((now - request.created_at).total_seconds() * 1000)
    defaults: dict[str, Any] = {
        "request_id": request.id,
        "agent_id": request.agent_id,
        "action_type": request.action_type,
        "level": Level(request.level).name,
        "confidence_score": request.confidence_score,
        "reviewer_decision": request.status if closed else None,
        "latency_ms": latency if closed else None,
        "status_after": request.status,
        "resolution": request.resolution if closed else None,
        "policy_version": request.policy_number,
    }
    return Event(kind, request_stream(request.id), actor, **(defaults | fields))


def takeover_delivery(takeover: Takeover, now: datetime) -> Delivery:
    return Delivery(
        kind=Delivery.Kind.TAKEOVER,
        team_id=takeover.team_id,
        takeover=takeover,
        next_attempt_at=now,
        created_at=now,
    )
