"""CEL's functions of a time in a named zone, which the engine itself has for UTC alone."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo


def zone_or_none(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # it looks for a file of that name
        return None


def _in_zone(read: Callable[[datetime], int]) -> Callable[..., int | None]:
    """None, which compares with no number, for what is no time with a zone, or no year there.

    An error would be answered in the same way, but the engine prints it.
    """

    def read_there(*values: object) -> int | None:
        match values:
            case (datetime() as time, str() as name) if (zone := zone_or_none(name)) is not None:
                return _read_or_none(read, time, zone)
            case _:
                return None

    return read_there


def _read_or_none(read: Callable[[datetime], int], time: datetime, zone: ZoneInfo) -> int | None:
    try:
        return read(time.astimezone(zone))
    except OverflowError:
        return None


# They count like those of CEL: months and days of the year from 0, the week from Sunday.
ZONED: Mapping[str, Callable[..., int | None]] = {
    "getFullYear": _in_zone(lambda time: time.year),
    "getMonth": _in_zone(lambda time: time.month - 1),
    "getDate": _in_zone(lambda time: time.day),
    "getDayOfMonth": _in_zone(lambda time: time.day - 1),
    "getDayOfYear": _in_zone(lambda time: time.timetuple().tm_yday - 1),
    "getDayOfWeek": _in_zone(lambda time: time.isoweekday() % 7),
    "getHours": _in_zone(lambda time: time.hour),
    "getMinutes": _in_zone(lambda time: time.minute),
}
