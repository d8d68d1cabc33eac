"""Which JSON values are let in: those that every reader takes for the same and Postgres can store.

Numbers as in I-JSON (RFC 7493), text without NUL and lone surrogates, a bounded depth.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
# Smaller doubles are written without exponent in canonical JSON: a whole one beyond MAX_INTEGER
# would come back as an integer that is refused.
EXPONENT_FROM = 1e21
SHOWN_KEY = 64

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class FlawCode(StrEnum):
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    MALFORMED = "malformed"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    NOT_FINITE = "not_finite"
    INTEGER_RANGE = "integer_range"
    NUL_CHARACTER = "nul_character"
    LONE_SURROGATE = "lone_surrogate"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a value, and where: the keys and indexes that lead to it."""

    code: FlawCode
    msg: str
    loc: tuple[str | int, ...] = ()

    def inside(self, place: str | int) -> "Flaw":
        return replace(self, loc=(place, *self.loc))


NOT_FINITE = Flaw(FlawCode.NOT_FINITE, "NaN and Infinity are no JSON numbers")
INTEGER_RANGE = Flaw(
    FlawCode.INTEGER_RANGE, f"whole numbers end at {MAX_INTEGER}: send larger ones as strings"
)
NUL_CHARACTER = Flaw(FlawCode.NUL_CHARACTER, "text must not contain the NUL character")
LONE_SURROGATE = Flaw(FlawCode.LONE_SURROGATE, "text must not contain half of a surrogate pair")


def too_deep(max_depth: int) -> Flaw:
    return Flaw(FlawCode.TOO_DEEP, f"nested deeper than {max_depth} levels")


def find_flaw(value: object, *, max_depth: int = MAX_DEPTH, depth: int = 0) -> Flaw | None:
    """The first flaw of a parsed value. A Flaw that a parser left inside it gets its place."""
    if isinstance(value, str):
        return _text_flaw(value)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return number_flaw(value)
    if isinstance(value, dict | list | tuple):
        return _container_flaw(value, max_depth, depth + 1)
    if isinstance(value, Flaw):
        return value
    return Flaw(FlawCode.UNSUPPORTED, f"{type(value).__name__} is no JSON value")


def shown_key(key: str) -> str:
    """A key as it can go into any message: short, printable, storable."""
    short = key if len(key) <= SHOWN_KEY else key[:SHOWN_KEY] + "\N{HORIZONTAL ELLIPSIS}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def _text_flaw(text: str) -> Flaw | None:
    found = _UNSTORABLE.search(text)
    if found is None:
        return None
    return NUL_CHARACTER if found[0] == "\x00" else LONE_SURROGATE


def number_flaw(number: int | float) -> Flaw | None:
    if -MAX_INTEGER <= number <= MAX_INTEGER:
        return None
    if isinstance(number, float) and not math.isfinite(number):
        return NOT_FINITE
    whole = isinstance(number, int) or abs(number) < EXPONENT_FROM
    return INTEGER_RANGE if whole else None


def _container_flaw(
    container: dict[Any, Any] | list[Any] | tuple[Any, ...], max_depth: int, depth: int
) -> Flaw | None:
    if depth > max_depth:
        return too_deep(max_depth)
    members: Iterable[tuple[Any, Any]] = enumerate(container)
    if isinstance(container, dict):
        flaw = _keys_flaw(container)
        if flaw:
            return flaw
        members = container.items()
    for place, value in members:
        flaw = find_flaw(value, max_depth=max_depth, depth=depth)
        if flaw:
            return flaw.inside(place if isinstance(place, int) else shown_key(place))
    return None


def _keys_flaw(container: dict[Any, Any]) -> Flaw | None:
    for key in container:
        if not isinstance(key, str):
            return Flaw(FlawCode.UNSUPPORTED, f"a key must be a string, not {type(key).__name__}")
        flaw = _text_flaw(key)
        if flaw:
            return flaw.inside(shown_key(key))
    return None
