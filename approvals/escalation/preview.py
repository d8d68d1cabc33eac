"""What would happen to a request that arrives at a chosen time: who is told, when, and how it ends.

It goes by the same rules as the real services (clock, recipients), so that it cannot disagree
with them. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from approvals.escalation.clock import (
    Silence,
    Wait,
    end_of_wait,
    limit_seconds,
    next_reminder,
    notice_needed_by,
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
from approvals.vocabulary import EXTEND_SECONDS, Status
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
    """`tier`: where an escalation by hand goes (None: the next one); `seconds`: of an extension.

    What the console would refuse then does not happen.
    """

    at: datetime
    kind: Happens
    tier: int | None = None
    seconds: int = EXTEND_SECONDS


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
    """A request that might arrive. `notice`: whether messages reach those who are told.

    Of a takeover `hard_seconds` is the time within which it is to be acknowledged.
    """

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
    extended: timedelta = timedelta()
    # When somebody who may decide was first told in this wait.
    heard_at: datetime | None = None
    left: tuple[Happening, ...] = ()


# What comes of the state (None: it is closed), and the step that did it.
_After = tuple[_State | None, Step]


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
    ahead = [one for one in question.happenings if one.at >= question.arrival]
    left = tuple(sorted(ahead, key=lambda one: one.at))
    state = _State(Status.PENDING, question.level, question.arrival, question.arrival, left=left)
    state = _restarted(question, state, question.arrival)
    step = _told(question, state.since, StepKind.TOLD, 0, state.level, state.deadline)
    step = replace(step, backup=state.level == Level.HUMAN_TAKEOVER)
    after: _State | None = state
    while after is not None:
        yield step
        after, step = _next(question, _heard(after, step), step.at)
    yield step


def _heard(state: _State, step: Step) -> _State:
    if state.heard_at is None and any(one.may_decide for one in step.told):
        return replace(state, heard_at=step.at)
    return state


def _next(question: Question, state: _State, now: datetime) -> _After:
    """What comes first: something that happens, a reminder, or the end of the time limit."""
    reminder = _reminder(state, now)
    until = state.deadline if reminder is None else min(reminder, state.deadline)
    happening = state.left[0] if state.left else None
    if happening is not None and _comes_first(happening, until, state.deadline):
        state = replace(state, left=state.left[1:])
        if _refused(question, state, happening):
            return _next(question, state, now)
        return _happened(question, state, happening)
    if until < state.deadline:
        return state, _told(
            question, until, StepKind.REMINDED, state.tier, state.level, state.deadline
        )
    return _time_is_up(question, state)


def _comes_first(happening: Happening, until: datetime, deadline: datetime) -> bool:
    """At the very end of the time limit a verdict counts; all else finds what silence did."""
    if happening.at == until == deadline:
        return happening.kind in (Happens.DECIDED, Happens.BY_HAND)
    return happening.at <= until


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
    deadline = at + timedelta(seconds=seconds)
    return replace(state, since=at, deadline=deadline, extended=timedelta(), heard_at=None)


def _refused(question: Question, state: _State, happening: Happening) -> bool:
    """Whether the console would say no."""
    asked = state.status is Status.NEEDS_INFO
    match happening.kind:
        case Happens.BY_HAND:
            return not state.tier < _aim(state, happening) <= question.policy.last_tier
        case Happens.EXTENDED:
            return not _room(state)
        case Happens.ANSWERED:
            return not asked
        case _:
            return asked


def _aim(state: _State, happening: Happening) -> int:
    return state.tier + 1 if happening.tier is None else happening.tier


def _room(state: _State) -> timedelta:
    """How much longer the wait may be made: to double its time limit at most."""
    original = state.deadline - state.since - state.extended
    return original - state.extended


def _happened(question: Question, state: _State, happening: Happening) -> _After:
    at = happening.at
    match happening.kind:
        case Happens.DECIDED:
            return None, Step(at, StepKind.DECIDED, state.tier, state.level)
        case Happens.EXTENDED:
            extended = _extended(state, timedelta(seconds=happening.seconds))
            return extended, _silent(extended, at, StepKind.EXTENDED)
        case Happens.ASKED:
            was_escalated = state.status is Status.ESCALATED
            asked = replace(state, status=Status.NEEDS_INFO, was_escalated=was_escalated)
            asked = _restarted(question, asked, at)
            return asked, _silent(asked, at, StepKind.ASKED)
        case Happens.ANSWERED:
            status = Status.ESCALATED if state.was_escalated else Status.PENDING
            back = _restarted(question, replace(state, status=status), at)
            step = _told(question, at, StepKind.ANSWERED, back.tier, back.level, back.deadline)
            return back, step
        case Happens.BY_HAND:
            return _escalated(question, state, at, _aim(state, happening), "by_hand")


def _extended(state: _State, more: timedelta) -> _State:
    more = min(more, _room(state))
    return replace(state, deadline=state.deadline + more, extended=state.extended + more)


def _silent(state: _State, at: datetime, kind: StepKind) -> Step:
    return Step(at, kind, state.tier, state.level, state.deadline)


def _time_is_up(question: Question, state: _State) -> _After:
    at, last_tier = state.deadline, question.policy.last_tier
    if state.level == Level.HUMAN_TAKEOVER:
        following = min(state.tier + 1, last_tier)
        return _escalated(question, state, at, following, "not_acknowledged")
    wait = Wait(
        level=state.level,
        status=state.status,
        tier=state.tier,
        last_tier=last_tier,
        silent_consent=question.silent_consent,
        quorum=question.quorum,
    )
    ending = end_of_wait(wait, notice=question.notice and _heard_in_time(state))
    if ending.silence is Silence.ESCALATE:
        return _escalated(question, state, at, ending.tier, ending.reason)
    if ending.silence is Silence.CONSENT:
        return None, Step(at, StepKind.CONSENTED, state.tier, state.level, reason=ending.reason)
    return None, replace(_expired(question, state), reason=ending.reason)


def _heard_in_time(state: _State) -> bool:
    """Whoever may not decide yet has no chance to object: telling them is no notice."""
    latest = notice_needed_by(state.since, state.deadline)
    return state.heard_at is not None and state.heard_at <= latest


def _expired(question: Question, state: _State) -> Step:
    found = resolve_exhausted(
        question.policy, state.tier, question.roster, question.team_id, state.deadline
    )
    return _telling(found, state.deadline, StepKind.EXPIRED, state.tier, state.level)


def _escalated(question: Question, state: _State, at: datetime, tier: int, reason: str) -> _After:
    level = max(state.level, Level.HARD_APPROVAL)
    after = replace(state, status=Status.ESCALATED, level=level, tier=tier)
    after = _restarted(question, after, at)
    told = _told(question, at, StepKind.ESCALATED, tier, level, after.deadline)
    return after, replace(told, reason=reason, backup=True)


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
