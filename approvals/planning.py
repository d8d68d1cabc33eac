"""What a submission becomes, as a value: the level, the status it begins in, its clock. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from approvals.escalation.clock import limit_seconds
from approvals.states import FIRST, Event
from approvals.submission import Submission
from approvals.vocabulary import Execution, Resolution, Status
from autonomy.policy.asked import Action, Asked, AskingAgent
from autonomy.policy.evaluation import Evaluated, Policy, evaluate
from autonomy.policy.facts import ActionTypeFacts, Facts
from autonomy.vocabulary import Level


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

_TAKEN_OVER = "a person has taken over the agent, so silence cannot consent"


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


def terms_of(situation: Situation, evaluated: Evaluated) -> Terms:
    """Rule before action type before policy."""
    registration, policy = situation.registration, evaluated.policy.document
    rules = evaluated.decided.rule_terms
    team_id = rules.team or registration.team_id or situation.agent_team_id
    return Terms(
        team_id=team_id,
        quorum=evaluated.decided.quorum,
        soft_seconds=rules.soft_seconds or registration.soft_seconds or policy.soft_seconds,
        hard_seconds=rules.hard_seconds or registration.hard_seconds or policy.hard_seconds,
        tiers=situation.tiers_by_team.get(team_id, DEFAULT_TIERS),
    )


def evaluate_with(stated: Facts, action: Action, situation: Situation) -> Evaluated:
    """The level of an action of which the agent states these facts."""
    return evaluate(
        facts=replace(stated, failures_24h=situation.failures),
        registered=situation.registration.facts,
        profile_level=situation.profile_level,
        policy=situation.policy,
        asked=Asked(
            action, AskingAgent(situation.agent_id, situation.agent_team_id), situation.now
        ),
        registered_quorum=situation.registration.quorum,
        obstacles=(_TAKEN_OVER,) if situation.agent_read_only else (),
    )


def action_of(submission: Submission) -> Action:
    return Action(submission.action_type, submission.arguments)


def first_event(level: Level) -> Event:
    if level <= Level.NOTIFY_ONLY:
        return Event.SUBMIT_AUTOMATIC
    return Event.SUBMIT_TAKEOVER if level == Level.HUMAN_TAKEOVER else Event.SUBMIT_WAITING


def plan_submission(submission: Submission, situation: Situation) -> Plan:
    evaluated = evaluate_with(submission.facts, action_of(submission), situation)
    terms, event = terms_of(situation, evaluated), first_event(evaluated.level)
    # What waits for a read-only agent waits without a clock.
    runs = event is Event.SUBMIT_WAITING and not situation.agent_read_only
    limit = timedelta(seconds=terms.seconds(evaluated.level))
    deadline = situation.now + limit if runs else None
    return Plan(submission, situation, terms, evaluated, event, deadline)
