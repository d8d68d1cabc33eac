"""The clock of a waiting request: its limit, its reminders, and what silence means. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from approvals.vocabulary import Status
from autonomy.vocabulary import Level

# People had the chance to object when they were told this long before the deadline, or half the
# time limit before it, if that is shorter.
NOTICE = timedelta(seconds=60)
REMINDERS = (0.5, 0.9)


class Silence(StrEnum):
    """What the end of a time limit does."""

    CONSENT = "consent"
    ESCALATE = "escalate"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Wait:
    """A waiting request at the moment at which its time is up.

    `tier` and `last_tier` count the steps of the escalation policy from 0. `claimed`: a person
    was at work on it; `objected`: a rejection was held and did not come to count;
    `agent_read_only`: a person has taken over its agent.
    """

    level: Level
    status: Status
    tier: int
    last_tier: int
    silent_consent: bool = True
    quorum: int = 1
    agent_read_only: bool = False
    claimed: bool = False
    objected: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a wait ends, why, and the tier at which the request then waits."""

    silence: Silence
    reason: str
    tier: int


def limit_seconds(
    *, level: Level, status: Status, soft: int, hard: int, tier_seconds: int | None
) -> int:
    """The time limit of a wait. A tier's own limit replaces the one for HARD_APPROVAL; an answer
    of the agent is awaited for the hard time limit.
    """
    if status is Status.NEEDS_INFO:
        return hard
    if level == Level.SOFT_APPROVAL:
        return soft
    return hard if tier_seconds is None else tier_seconds


def reminders(since: datetime, deadline: datetime) -> list[datetime]:
    """When the people are told again: at half and at nine tenths of the time limit."""
    return [since + (deadline - since) * part for part in REMINDERS]


def next_reminder(since: datetime, deadline: datetime, *, after: datetime) -> datetime | None:
    return min((at for at in reminders(since, deadline) if at > after), default=None)


def notice_needed_by(since: datetime, deadline: datetime) -> datetime:
    """The latest moment at which being told leaves the chance to object."""
    return deadline - notice_needed(since, deadline)


def notice_needed(since: datetime, deadline: datetime) -> timedelta:
    return min(NOTICE, (deadline - since) / 2)


def silence_consents(wait: Wait) -> bool:
    """Whether silence would approve, if notice is given, nobody is at work on it or said no."""
    return (
        wait.level == Level.SOFT_APPROVAL
        and wait.status is Status.PENDING
        and wait.silent_consent
        and wait.quorum == 1
        and not wait.agent_read_only
    )


def end_of_wait(wait: Wait, *, notice: bool) -> Ending:
    """What happens when time is up. Whatever escalates is at least HARD_APPROVAL from then on."""
    following = min(wait.tier + 1, wait.last_tier)
    if wait.status is Status.NEEDS_INFO:
        return Ending(Silence.ESCALATE, "no_answer", following)
    if wait.level == Level.SOFT_APPROVAL:
        return _end_of_soft(wait, following, notice=notice)
    if wait.tier < wait.last_tier:
        return Ending(Silence.ESCALATE, "time_limit", following)
    return Ending(Silence.EXPIRE, "exhausted", wait.tier)


def _end_of_soft(wait: Wait, following: int, *, notice: bool) -> Ending:
    if not silence_consents(wait):
        return Ending(Silence.ESCALATE, "no_silent_consent", following)
    if wait.claimed:
        return Ending(Silence.ESCALATE, "claimed", following)
    if wait.objected:
        return Ending(Silence.ESCALATE, "objection", following)
    if not notice:
        # The tier was never reached: it is told again.
        return Ending(Silence.ESCALATE, "no_notice", wait.tier)
    return Ending(Silence.CONSENT, "silence", wait.tier)
