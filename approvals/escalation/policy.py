"""A team's escalation policy: who is told at which tier, for how long, on which channels. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.escalation.rotation import instant
from autonomy.policy.reading import (
    FieldError,
    Reader,
    ReadError,
    nullable,
    read_bool,
    read_count,
    read_list,
    read_member,
    read_object,
    refuse,
)
from hitlconsole.lib.jsonvalues import find_flaw

YEAR = 365 * 86_400
MOST_TIERS, MOST_TARGETS, MOST_REPEATS, MOST_CHANNELS, LONGEST_NAME = 10, 20, 9, 10, 80


class TargetKind(StrEnum):
    """`reviewers` and `admins` are the team's own; `team` is the reviewers of another one."""

    PERSON = "person"
    REVIEWERS = "reviewers"
    ADMINS = "admins"
    TEAM = "team"
    ROTATION = "rotation"


WITHOUT_ID = (TargetKind.REVIEWERS, TargetKind.ADMINS)


@dataclass(frozen=True, slots=True)
class Target:
    kind: TargetKind
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """`seconds`: its own time limit, in place of the one for HARD_APPROVAL and takeovers.

    `primary` and `backup` are ids of channels; empty: the team's own ones.
    """

    name: str
    targets: tuple[Target, ...]
    seconds: int | None = None
    primary: tuple[UUID, ...] = ()
    backup: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` on the wall clock; where they cross midnight, `weekdays` (0: Monday)
    are those on which they start.
    """

    start: time
    end: time
    timezone: str
    weekdays: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """Steps are counted from 0 and go through the tiers once more for each repeat."""

    tiers: tuple[Tier, ...]
    repeat: int = 0
    quiet: QuietHours | None = None
    tell_admins_when_exhausted: bool = True

    @property
    def steps(self) -> int:
        return len(self.tiers) * (self.repeat + 1)

    @property
    def last_tier(self) -> int:
        return self.steps - 1

    def tier(self, number: int) -> Tier:
        """The tier of a step; whatever lies beyond the last step is told like the last one."""
        return self.tiers[min(number, self.last_tier) % len(self.tiers)]

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Raises ReadError, which names every wrong field."""
        return cls(**read_object(value, _POLICY, required=("tiers",)))

    def to_json(self) -> dict[str, Any]:
        return {
            "tiers": [_tier_json(tier) for tier in self.tiers],
            "repeat": self.repeat,
            "quiet": self.quiet and _quiet_json(self.quiet),
            "tell_admins_when_exhausted": self.tell_admins_when_exhausted,
        }


DEFAULT_ESCALATION = EscalationPolicy(
    (
        Tier("Reviewers", (Target(TargetKind.REVIEWERS),)),
        Tier("Reviewers and admins", (Target(TargetKind.REVIEWERS), Target(TargetKind.ADMINS))),
    )
)


def quiet_until(quiet: QuietHours, moment: datetime) -> datetime | None:
    """When the quiet hours end that hold the moment; None: it is in none."""
    today = moment.astimezone(ZoneInfo(quiet.timezone)).date()
    for day in (today - timedelta(days=1), today):
        if day.weekday() not in quiet.weekdays:
            continue
        begin = instant(day, quiet.start, quiet.timezone)
        over_midnight = quiet.end <= quiet.start
        end = instant(day + timedelta(days=over_midnight), quiet.end, quiet.timezone)
        if begin <= moment.astimezone(UTC) < end:
            return end
    return None


def _tier_json(tier: Tier) -> dict[str, Any]:
    return {
        "name": tier.name,
        "targets": [{"kind": t.kind.value, "id": t.id and str(t.id)} for t in tier.targets],
        "seconds": tier.seconds,
        "primary": [str(channel) for channel in tier.primary],
        "backup": [str(channel) for channel in tier.backup],
    }


def _quiet_json(quiet: QuietHours) -> dict[str, Any]:
    return {
        "start": quiet.start.strftime("%H:%M"),
        "end": quiet.end.strftime("%H:%M"),
        "timezone": quiet.timezone,
        "weekdays": sorted(quiet.weekdays),
    }


def read_id(value: object) -> UUID:
    try:
        return UUID(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError):
        refuse("must be an id")


def read_time(value: object) -> time:
    try:
        return datetime.strptime(value, "%H:%M").time()  # type: ignore[arg-type]  # noqa: DTZ007
    except (ValueError, TypeError):
        refuse('must be a time of day such as "18:00"')


def read_timezone(value: object) -> str:
    try:
        return ZoneInfo(value).key  # type: ignore[arg-type]
    except (ValueError, TypeError, OSError, KeyError):
        refuse('must be a time zone such as "Europe/Berlin"')


def _read_name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST_NAME:
        refuse(f"must be a name of at most {LONGEST_NAME} characters")
    flaw = find_flaw(value)
    if flaw is not None:
        refuse(flaw.msg)
    return value.strip()


def _read_some(reader: Reader, low: int, high: int) -> Callable[[object], tuple[Any, ...]]:
    def read(value: object) -> tuple[Any, ...]:
        items = read_list(reader)(value)
        if not low <= len(items) <= high:
            refuse(f"must have {low} to {high} entries")
        if len(set(items)) < len(items):
            refuse("must name each one once")
        return tuple(items)

    return read


def _read_target(value: object) -> Target:
    fields = read_object(value, _TARGET, required=("kind",))
    target = Target(**fields)
    if (target.id is None) != (target.kind in WITHOUT_ID):
        wrong = "is for people, teams and rotations" if target.id else "is required"
        raise ReadError([{"loc": ["id"], "msg": wrong}])
    return target


def _read_tiers(value: object) -> tuple[Tier, ...]:
    tiers = read_list(_read_tier)(value)
    if not 1 <= len(tiers) <= MOST_TIERS:
        refuse(f"must have 1 to {MOST_TIERS} entries")
    return tuple(tiers)


def _read_tier(value: object) -> Tier:
    return Tier(**read_object(value, _TIER, required=("name", "targets")))


def _read_quiet(value: object) -> QuietHours:
    fields = read_object(value, _QUIET, required=("start", "end", "timezone"))
    if fields["start"] == fields["end"]:
        error: FieldError = {"loc": ["end"], "msg": "must differ from the start"}
        raise ReadError([error])
    return QuietHours(**fields)


_TARGET: Mapping[str, Reader] = {"kind": read_member(TargetKind), "id": nullable(read_id)}
_channels = _read_some(read_id, 0, MOST_CHANNELS)
_TIER: Mapping[str, Reader] = {
    "name": _read_name,
    "targets": _read_some(_read_target, 1, MOST_TARGETS),
    "seconds": nullable(read_count(30, YEAR)),
    "primary": _channels,
    "backup": _channels,
}
_QUIET: Mapping[str, Reader] = {
    "start": read_time,
    "end": read_time,
    "timezone": read_timezone,
    "weekdays": lambda value: frozenset(_read_some(read_count(0, 6), 1, 7)(value)),
}
_POLICY: Mapping[str, Reader] = {
    "tiers": _read_tiers,
    "repeat": read_count(0, MOST_REPEATS),
    "quiet": nullable(_read_quiet),
    "tell_admins_when_exhausted": read_bool,
}
