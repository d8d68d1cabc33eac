"""The steps that every change of a request is made of: set, record, tell.

Callers hold the locks (services.locking) and a transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from approvals.escalation.clock import limit_seconds, next_reminder
from approvals.escalation.policy import EscalationPolicy
from approvals.live.publish import tell_changed
from approvals.models import ApprovalRequest, Decision, Notification, Takeover
from approvals.services.held import cancel_holds
from approvals.services.tiers import escalation_of
from approvals.states import Event as Step
from approvals.states import transition
from approvals.vocabulary import Execution, Resolution, Status
from audit.events import Event
from audit.services import record
from autonomy.vocabulary import Level


@dataclass
class Change:
    """One change of one request, under way: what it was before, and what will be told."""

    request: ApprovalRequest
    now: datetime
    before: str = field(init=False)
    # Whether it makes a new revision: claims, looks and reminders do not.
    grows: bool = True
    news: list[Notification] = field(default_factory=list)

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
        request.deadline = request.waiting_since = request.reminder_at = None
        request.claimed_by = request.claimed_until = None
        if request.status == Status.APPROVED:
            request.execution = Execution.AVAILABLE
            request.approval_until = self.now + timedelta(seconds=request.approval_ttl_seconds)
        expired = request.status == Status.EXPIRED
        self.tell(Notification.Kind.EXPIRED if expired else Notification.Kind.CLOSED)

    def restart_clock(self, policy: EscalationPolicy | None = None) -> None:
        """The full time limit of the present state, from now; silence needs fresh notice.

        `policy` is the team's escalation policy, where the caller has read it already. While the
        agent is read-only its requests wait without a clock.
        """
        request = self.request
        policy = policy or escalation_of(request.team_id)
        request.last_tier = policy.last_tier
        request.extended_seconds = 0
        if request.agent.read_only_since is not None:
            request.waiting_since = request.deadline = request.reminder_at = None
            return
        seconds = limit_seconds(
            level=Level(request.level),
            status=Status(request.status),
            soft=request.soft_seconds,
            hard=request.hard_seconds,
            tier_seconds=policy.tier(request.tier).seconds,
        )
        request.waiting_since = self.now
        request.deadline = self.now + timedelta(seconds=seconds)
        plan_reminder(request, self.now)

    def tell(self, kind: Notification.Kind) -> None:
        request = self.request
        self.news.append(
            Notification(
                kind=kind,
                team_id=request.team_id,
                request_id=request.id,
                tier=request.tier,
                next_attempt_at=self.now,
                created_at=self.now,
            )
        )

    def save(self, *events: Event) -> None:
        """Write the request, its news and its events, and tell open pages. A new revision cancels
        what was held.
        """
        self.request.revision += self.grows
        cancelled = cancel_holds(self.request, self.now) if self.grows else []
        self.request.save()
        Notification.objects.bulk_create(self.news)
        record([*events, *cancelled], at=self.now)
        tell_changed([self.request])


def plan_reminder(request: ApprovalRequest, now: datetime) -> None:
    """Set the next moment at which its people are told again, if there is one.

    While a question waits for the agent, there is nothing for people to do.
    """
    since, deadline = request.waiting_since, request.deadline
    asks_people = request.status != Status.NEEDS_INFO
    request.reminder_at = (
        next_reminder(since, deadline, after=now) if since and deadline and asks_people else None
    )


def takeover_news(takeover: Takeover, kind: Notification.Kind, now: datetime) -> Notification:
    return Notification(
        kind=kind,
        team_id=takeover.team_id,
        takeover=takeover,
        tier=takeover.tier,
        next_attempt_at=now,
        created_at=now,
    )
