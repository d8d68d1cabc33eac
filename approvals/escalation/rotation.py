"""Who is on call: people who take turns, with overrides, absences and substitutes. Pure.

Handovers are wall-clock times in the rotation's zone, so that a change to or from daylight saving
time makes a turn of 23 or 25 hours. Every interval is half open, and instants are compared in
UTC: within one zone Python compares wall clocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.vocabulary import Handover

BY_ROTATION = "on call by rotation"
BY_OVERRIDE = "takes this turn"
STANDS_IN = "stands in for somebody who is away"
NOBODY_IN_IT = "nobody is in the rotation"
NOT_STARTED = "the rotation has not started"
AWAY = "who is on call is away, and nobody stands in"

DAYS = {Handover.DAILY: 1, Handover.WEEKLY: 7}


@dataclass(frozen=True, slots=True)
class Rotation:
    """`weekday` (0: Monday) is that of weekly handovers; `timezone` a name of the IANA database.

    The first turn begins at the first handover on `starts_on` or later.
    """

    id: UUID
    name: str
    people: tuple[UUID, ...]
    handover: Handover
    weekday: int
    at: time
    timezone: str
    starts_on: date


@dataclass(frozen=True, slots=True)
class Override:
    """A person takes a stretch of a rotation. Of several, the last in order counts."""

    rotation: UUID
    person: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """A person is away. Of several, the last in order says who stands in."""

    person: UUID
    starts_at: datetime
    ends_at: datetime
    substitute: UUID | None = None


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is on call (None: nobody) and why; it may be otherwise from `until` on."""

    person: UUID | None
    until: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Shift:
    begin: datetime
    end: datetime
    person: UUID | None
    because: str


def on_call(
    rotation: Rotation, overrides: Sequence[Override], absences: Sequence[Absence], moment: datetime
) -> OnCall:
    moment = moment.astimezone(UTC)
    turn = _turn(rotation, moment)
    ours = [override for override in overrides if override.rotation == rotation.id]
    until = min(_boundaries(rotation, turn, ours, absences, moment))
    person, because = _by_plan(rotation, turn, ours, moment)
    if person is None:
        return OnCall(None, until, because)
    there = present(person, absences, moment)
    if there is None:
        return OnCall(None, until, AWAY)
    return OnCall(there, until, because if there == person else STANDS_IN)


def present(person: UUID, absences: Sequence[Absence], moment: datetime) -> UUID | None:
    """The person, or who stands in, or who stands in for that one; None: nobody."""
    moment = moment.astimezone(UTC)
    seen: set[UUID] = set()
    while person not in seen:
        seen.add(person)
        away = [a for a in absences if a.person == person and a.starts_at <= moment < a.ends_at]
        if not away:
            return person
        substitute = away[-1].substitute
        if substitute is None:
            return None
        person = substitute
    return None


def shifts(
    rotation: Rotation,
    overrides: Sequence[Override],
    absences: Sequence[Absence],
    begin: datetime,
    end: datetime,
) -> list[Shift]:
    """The stretches of [begin, end) with the same person for the same reason, without a gap."""
    found: list[Shift] = []
    moment, end = begin.astimezone(UTC), end.astimezone(UTC)
    while moment < end:
        now = on_call(rotation, overrides, absences, moment)
        until = min(now.until, end)
        last = found[-1] if found else None
        if last is not None and (last.person, last.because) == (now.person, now.because):
            found[-1] = Shift(last.begin, until, last.person, last.because)
        else:
            found.append(Shift(moment, until, now.person, now.because))
        moment = until
    return found


def _by_plan(
    rotation: Rotation, turn: int, overrides: Sequence[Override], moment: datetime
) -> tuple[UUID | None, str]:
    taken = [one for one in overrides if one.starts_at <= moment < one.ends_at]
    if taken:
        return taken[-1].person, BY_OVERRIDE
    if not rotation.people:
        return None, NOBODY_IN_IT
    if turn < 0:
        return None, NOT_STARTED
    return rotation.people[turn % len(rotation.people)], BY_ROTATION


def _boundaries(
    rotation: Rotation,
    turn: int,
    overrides: Sequence[Override],
    absences: Sequence[Absence],
    moment: datetime,
) -> Iterator[datetime]:
    """The moments ahead at which somebody else may be on call."""
    yield _handover(rotation, turn + 1)
    spans = [(one.starts_at, one.ends_at) for one in overrides]
    spans += [(one.starts_at, one.ends_at) for one in absences]
    yield from (at.astimezone(UTC) for span in spans for at in span if at > moment)


def _turn(rotation: Rotation, moment: datetime) -> int:
    """The number of the turn that holds the moment, from 0; -1 before the first one."""
    day = moment.astimezone(ZoneInfo(rotation.timezone)).date()
    turn = (day - _first_day(rotation)).days // DAYS[rotation.handover]
    while turn >= -1 and _handover(rotation, turn + 1) <= moment:
        turn += 1
    while turn >= 0 and _handover(rotation, turn) > moment:
        turn -= 1
    return max(turn, -1)


def _first_day(rotation: Rotation) -> date:
    if rotation.handover is Handover.DAILY:
        return rotation.starts_on
    ahead = (rotation.weekday - rotation.starts_on.weekday()) % 7
    return rotation.starts_on + timedelta(days=ahead)


def _handover(rotation: Rotation, turn: int) -> datetime:
    day = _first_day(rotation) + timedelta(days=turn * DAYS[rotation.handover])
    return instant(day, rotation.at, rotation.timezone)


def instant(day: date, at: time, timezone: str) -> datetime:
    """The moment of a wall-clock time, in UTC. One that does not exist is the first moment after
    the gap, one that exists twice is the first of them.
    """
    zone = ZoneInfo(timezone)
    wall = datetime.combine(day, at, tzinfo=zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    # In a gap the two readings of the wall clock lie on both sides of the change.
    return _change_between(wall.replace(fold=1).astimezone(UTC), moment, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
