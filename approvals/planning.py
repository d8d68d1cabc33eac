"""What a submission becomes, as a value: the level, the status it begins in, its clock. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from approvals.escalation.clock import limit_seconds
from approvals.states import FIRST, Event
from approvals.submission import Submission
from approvals.vocabulary import Execution, Resolution, Status
from autonomy.policy.evaluation import Evaluated, Policy, evaluate
from autonomy.policy.facts import ActionTypeFacts, Facts
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Level, Source


@dataclass(frozen=True, slots=True)
class Registration:
    """What the action type's registration says beside its facts. None: not registered there."""

    facts: ActionTypeFacts | None = None
    schema: dict | None = None
    team_id: UUID | None = None
    soft_seconds: int | None = None
    hard_seconds: int | None = None
    quorum: int | None = None


@dataclass(frozen=True, slots=True)
class TierLimits:
    """What a team's escalation policy says about the start of a wait: the number of its last
    step, counted from 0, and the own time limit of its first one.
    """

    last_tier: int
    first_seconds: int | None = None


# A team without an escalation policy of its own: its reviewers, then its admins with them.
DEFAULT_TIERS = TierLimits(last_tier=1)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a plan depends on, read in the transaction that will write it."""

    now: datetime
    agent_id: UUID
    agent_team_id: UUID
    profile_level: Level
    failures: int
    registration: Registration
    policy: Policy
    profile_exists: bool = True
    agent_read_only: bool = False
    tiers_by_team: Mapping[UUID, TierLimits] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Terms:
    """Who decides how, and within which time."""

    team_id: UUID
    quorum: int
    soft_seconds: int
    hard_seconds: int
    tiers: TierLimits

    def seconds(self, level: Level) -> int:
        return limit_seconds(
            level=level,
            status=Status.PENDING,
            soft=self.soft_seconds,
            hard=self.hard_seconds,
            tier_seconds=self.tiers.first_seconds,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    submission: Submission
    situation: Situation
    terms: Terms
    evaluated: Evaluated
    event: Event
    deadline: datetime | None

    @property
    def status(self) -> Status:
        return FIRST[self.event]

    @property
    def level(self) -> Level:
        return self.evaluated.level

    @property
    def resolution(self) -> Resolution | None:
        return {
            Event.SUBMIT_AUTOMATIC: Resolution.AUTOMATIC,
            Event.SUBMIT_TAKEOVER: Resolution.TAKEOVER,
        }.get(self.event)

    @property
    def approval_until(self) -> datetime:
        """Until when the execution of an approval given now may be claimed."""
        seconds = self.evaluated.policy.document.approval_ttl_seconds
        return self.situation.now + timedelta(seconds=seconds)

    @property
    def execution(self) -> Execution | None:
        return Execution.AVAILABLE if self.status is Status.APPROVED else None


def terms_of(situation: Situation) -> Terms:
    """Action type before policy."""
    registration, policy = situation.registration, situation.policy.document
    team_id = registration.team_id or situation.agent_team_id
    return Terms(
        team_id=team_id,
        quorum=registration.quorum or policy.quorum,
        soft_seconds=registration.soft_seconds or policy.soft_seconds,
        hard_seconds=registration.hard_seconds or policy.hard_seconds,
        tiers=situation.tiers_by_team.get(team_id, DEFAULT_TIERS),
    )


def evaluate_with(stated: Facts, situation: Situation) -> Evaluated:
    """The level of an action of which the agent states these facts."""
    facts = replace(stated, failures_24h=situation.failures)
    registered = situation.registration.facts

    def decide(*extra: Contribution) -> Evaluated:
        return evaluate(
            facts=facts,
            registered=registered,
            profile_level=situation.profile_level,
            policy=situation.policy,
            extra=extra,
        )

    evaluated = decide()
    obstacles = _against_silence(situation) if evaluated.level == Level.SOFT_APPROVAL else ()
    return decide(*obstacles) if obstacles else evaluated


def _against_silence(situation: Situation) -> tuple[Contribution, ...]:
    """Why silence cannot consent, whatever the policy says of the action."""
    reasons = []
    quorum = terms_of(situation).quorum
    if quorum > 1:
        reasons.append(f"{quorum} approvals are needed, so silence cannot consent")
    if situation.agent_read_only:
        reasons.append("a person has taken over the agent, so silence cannot consent")
    return tuple(Contribution(Source.RULES, Level.HARD_APPROVAL, reason) for reason in reasons)


def first_event(level: Level) -> Event:
    if level <= Level.NOTIFY_ONLY:
        return Event.SUBMIT_AUTOMATIC
    return Event.SUBMIT_TAKEOVER if level == Level.HUMAN_TAKEOVER else Event.SUBMIT_WAITING


def plan_submission(submission: Submission, situation: Situation) -> Plan:
    evaluated = evaluate_with(submission.facts, situation)
    terms, event = terms_of(situation), first_event(evaluated.level)
    # What waits for a read-only agent waits without a clock.
    runs = event is Event.SUBMIT_WAITING and not situation.agent_read_only
    limit = timedelta(seconds=terms.seconds(evaluated.level))
    deadline = situation.now + limit if runs else None
    return Plan(submission, situation, terms, evaluated, event, deadline)
