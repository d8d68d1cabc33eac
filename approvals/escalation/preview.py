"""What would happen to a request that arrives at a chosen time: who is told, when, and how it ends.

It goes by the same rules as the real services (clock, recipients), so that it cannot disagree
with them. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from approvals.escalation.clock import (
    Silence,
    Wait,
    end_of_wait,
    limit_seconds,
    next_reminder,
)
from approvals.escalation.policy import EscalationPolicy, quiet_until
from approvals.escalation.recipients import (
    LeftOut,
    Resolved,
    Roster,
    Told,
    resolve,
    resolve_exhausted,
)
from approvals.vocabulary import Status
from autonomy.vocabulary import Level

MOST_STEPS = 500


class Happens(StrEnum):
    """What people and the agent do meanwhile."""

    ASKED = "asked"
    ANSWERED = "answered"
    EXTENDED = "extended"
    BY_HAND = "escalated_by_hand"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Happening:
    """`tier`: where an escalation by hand goes (None: the next one); `seconds`: of an extension."""

    at: datetime
    kind: Happens
    tier: int | None = None
    seconds: int = 300


class StepKind(StrEnum):
    TOLD = "told"
    HELD_BACK = "held_back"
    REMINDED = "reminded"
    ASKED = "asked"
    ANSWERED = "answered"
    EXTENDED = "extended"
    ESCALATED = "escalated"
    CONSENTED = "consented"
    EXPIRED = "expired"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Step:
    """`backup`: the backup channels are used, too. `deadline`: of the wait that follows."""

    at: datetime
    kind: StepKind
    tier: int
    level: Level
    deadline: datetime | None = None
    reason: str = ""
    told: tuple[Told, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    fallback_tier: int | None = None
    backup: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A request that might arrive. `notice`: whether somebody is reached in time."""

    policy: EscalationPolicy
    roster: Roster
    team_id: UUID
    arrival: datetime
    level: Level
    soft_seconds: int = 300
    hard_seconds: int = 86_400
    silent_consent: bool = True
    quorum: int = 1
    notice: bool = True
    happenings: Sequence[Happening] = ()


@dataclass(frozen=True, slots=True)
class _State:
    status: Status
    level: Level
    since: datetime
    deadline: datetime
    tier: int = 0
    was_escalated: bool = False
    left: tuple[Happening, ...] = field(default=())


def foresee(question: Question) -> list[Step]:
    """Every step in order, up to MOST_STEPS, in UTC: there time limits are as long as they say."""
    question = _in_utc(question)
    if question.level <= Level.NOTIFY_ONLY:
        return list(_afterwards(question))
    return [step for step, _ in zip(_run(question), range(MOST_STEPS), strict=False)]


def _in_utc(question: Question) -> Question:
    happenings = [replace(one, at=one.at.astimezone(UTC)) for one in question.happenings]
    return replace(question, arrival=question.arrival.astimezone(UTC), happenings=happenings)


def _afterwards(question: Question) -> Iterator[Step]:
    """People are told of what was approved at once, outside of quiet hours."""
    if question.level < Level.NOTIFY_ONLY:
        return
    quiet, at = question.policy.quiet, question.arrival
    until = quiet_until(quiet, at) if quiet else None
    if until is not None:
        yield Step(at, StepKind.HELD_BACK, 0, question.level, until, reason="quiet hours")
    yield _told(question, until or at, StepKind.TOLD, 0, question.level, None)


def _run(question: Question) -> Iterator[Step]:
    left = tuple(sorted(question.happenings, key=lambda one: one.at))
    state = _State(Status.PENDING, question.level, question.arrival, question.arrival, left=left)
    state = _restarted(question, state, question.arrival)
    yield _told(question, state.since, StepKind.TOLD, 0, state.level, state.deadline)
    moment = question.arrival
    while True:
        reminder = _reminder(state, moment)
        happening = state.left[0] if state.left else None
        ahead = [state.deadline, *([reminder] if reminder else [])]
        if happening is not None and happening.at <= min(ahead):
            moment, after, step = _happened(question, state, happening)
            after = after and replace(after, left=state.left[1:])
        elif reminder is not None and reminder < state.deadline:
            moment, after = reminder, state
            step = _told(
                question, moment, StepKind.REMINDED, state.tier, state.level, state.deadline
            )
        else:
            moment, after, step = _time_is_up(question, state)
        yield step
        if after is None:
            return
        state = after


def _reminder(state: _State, after: datetime) -> datetime | None:
    if state.status is Status.NEEDS_INFO:
        return None
    return next_reminder(state.since, state.deadline, after=after)


def _restarted(question: Question, state: _State, at: datetime) -> _State:
    seconds = limit_seconds(
        level=state.level,
        status=state.status,
        soft=question.soft_seconds,
        hard=question.hard_seconds,
        tier_seconds=question.policy.tier(state.tier).seconds,
    )
    return replace(state, since=at, deadline=at + timedelta(seconds=seconds))


def _happened(
    question: Question, state: _State, happening: Happening
) -> tuple[datetime, _State | None, Step]:
    at = happening.at
    match happening.kind:
        case Happens.DECIDED:
            return at, None, Step(at, StepKind.DECIDED, state.tier, state.level)
        case Happens.EXTENDED:
            more = replace(state, deadline=state.deadline + timedelta(seconds=happening.seconds))
            return at, more, Step(at, StepKind.EXTENDED, state.tier, state.level, more.deadline)
        case Happens.ASKED:
            asked = replace(
                state,
                status=Status.NEEDS_INFO,
                was_escalated=state.status is Status.ESCALATED,
            )
            asked = _restarted(question, asked, at)
            return at, asked, Step(at, StepKind.ASKED, state.tier, state.level, asked.deadline)
        case Happens.ANSWERED:
            status = Status.ESCALATED if state.was_escalated else Status.PENDING
            back = _restarted(question, replace(state, status=status), at)
            step = _told(question, at, StepKind.ANSWERED, back.tier, back.level, back.deadline)
            return at, back, step
        case Happens.BY_HAND:
            tier = state.tier + 1 if happening.tier is None else happening.tier
            return _escalated(question, state, at, tier, "by_hand")


def _time_is_up(question: Question, state: _State) -> tuple[datetime, _State | None, Step]:
    at = state.deadline
    wait = Wait(
        level=state.level,
        status=state.status,
        tier=state.tier,
        last_tier=question.policy.last_tier,
        silent_consent=question.silent_consent,
        quorum=question.quorum,
    )
    ending = end_of_wait(wait, notice=question.notice)
    if ending.silence is Silence.ESCALATE:
        return _escalated(question, state, at, ending.tier, ending.reason)
    if ending.silence is Silence.CONSENT:
        step = Step(at, StepKind.CONSENTED, state.tier, state.level, reason=ending.reason)
        return at, None, step
    return at, None, replace(_expired(question, state), reason=ending.reason)


def _expired(question: Question, state: _State) -> Step:
    found = resolve_exhausted(
        question.policy, state.tier, question.roster, question.team_id, state.deadline
    )
    return _telling(found, state.deadline, StepKind.EXPIRED, state.tier, state.level)


def _escalated(
    question: Question, state: _State, at: datetime, tier: int, reason: str
) -> tuple[datetime, _State, Step]:
    level = max(state.level, Level.HARD_APPROVAL)
    after = replace(state, status=Status.ESCALATED, level=level, tier=tier)
    after = _restarted(question, after, at)
    told = _told(question, at, StepKind.ESCALATED, tier, level, after.deadline)
    return at, after, replace(told, reason=reason, backup=True)


def _told(
    question: Question,
    at: datetime,
    kind: StepKind,
    tier: int,
    level: Level,
    deadline: datetime | None,
) -> Step:
    found = resolve(question.policy, tier, question.roster, question.team_id, at)
    return replace(_telling(found, at, kind, tier, level), deadline=deadline)


def _telling(found: Resolved, at: datetime, kind: StepKind, tier: int, level: Level) -> Step:
    return Step(
        at,
        kind,
        tier,
        level,
        told=found.told,
        left_out=found.left_out,
        fallback_tier=found.fallback_tier,
    )
