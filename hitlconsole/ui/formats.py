"""Amounts and times in words. Pure: whoever asks brings the present moment along."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

MINUTE, HOUR, DAY = 60, 3600, 86_400


def money(amount: object, currency: str = "USD") -> str:
    """420 USD, 4,200.50 USD; what is no amount is unknown."""
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return "unknown"
    if not value.is_finite():
        return "unknown"
    return f"{_digits(value)} {currency}"


def _digits(value: Decimal) -> str:
    """Cents where there are any; parts of a cent are never rounded away."""
    if value == value.to_integral_value():
        return f"{value:,.0f}"
    cents = value.normalize()
    places = max(2, -int(cents.as_tuple().exponent))
    return f"{value:,.{places}f}"


def duration(seconds: float) -> str:
    """At most two units: 45 s, 3 min 12 s, 2 h 5 min, 3 d 4 h."""
    total = max(0, int(seconds))
    for size, unit, below, part in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min")):
        if total >= size:
            return _two(total // size, unit, total % size // below, part)
    if total >= MINUTE:
        return _two(total // MINUTE, "min", total % MINUTE, "s")
    return f"{total} s"


def _two(whole: int, unit: str, rest: int, part: str) -> str:
    return f"{whole} {unit} {rest} {part}" if rest else f"{whole} {unit}"


def full_time(moment: datetime) -> str:
    """2026-05-04 14:02:11 UTC"""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def age(moment: datetime, now: datetime) -> str:
    """One unit, as lists have it: 12 s, 6 m, 3 h, 2 d."""
    total = max(0, int((now - moment).total_seconds()))
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if total >= size:
            return f"{total // size} {unit}"
    return f"{total} s"


def remaining(deadline: datetime, now: datetime) -> str:
    """03:12, 2 h 05 m, 3 d 4 h; static/js/app.js says the same in the browser."""
    total = int((deadline - now).total_seconds())
    if total <= 0:
        return "time is up"
    if total >= DAY:
        return f"{total // DAY} d {total % DAY // HOUR} h"
    if total >= HOUR:
        return f"{total // HOUR} h {total % HOUR // MINUTE:02d} m"
    return f"{total // MINUTE:02d}:{total % MINUTE:02d}"


def urgency(deadline: datetime, now: datetime) -> str:
    """calm, soon (under five minutes), now (under one), up."""
    total = int((deadline - now).total_seconds())
    if total <= 0:
        return "up"
    if total < MINUTE:
        return "now"
    return "soon" if total < 5 * MINUTE else "calm"
