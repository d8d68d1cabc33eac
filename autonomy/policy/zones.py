"""CEL's functions of a time in a named zone, which the engine itself has for UTC alone."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo


def zone_or_none(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # it looks for a file of that name
        return None


class NoSuchZone(ValueError):
    """The condition then fails, which raises the level: null would only be unequal to a number."""


def _in_zone(read: Callable[[datetime], int]) -> Callable[..., int]:
    def read_there(*values: object) -> int:
        match values:
            case (datetime() as time, str() as name):
                return read(_there(time, name))
            case _:
                raise NoSuchZone("needs a time and the name of a zone")

    return read_there


def _there(time: datetime, name: str) -> datetime:
    zone = zone_or_none(name)
    try:
        if zone is not None:
            return time.astimezone(zone)
    except OverflowError:
        pass  # a year that no calendar here has
    raise NoSuchZone(f"{name!r} is no time zone of this time")


# They count like those of CEL: months and days of the year from 0, the week from Sunday.
ZONED: Mapping[str, Callable[..., int]] = {
    "getFullYear": _in_zone(lambda time: time.year),
    "getMonth": _in_zone(lambda time: time.month - 1),
    "getDate": _in_zone(lambda time: time.day),
    "getDayOfMonth": _in_zone(lambda time: time.day - 1),
    "getDayOfYear": _in_zone(lambda time: time.timetuple().tm_yday - 1),
    "getDayOfWeek": _in_zone(lambda time: time.isoweekday() % 7),
    "getHours": _in_zone(lambda time: time.hour),
    "getMinutes": _in_zone(lambda time: time.minute),
}
