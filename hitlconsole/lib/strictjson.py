"""JSON from strangers: parsed only if every parser would read the same value from it.

Python's parser keeps the last of two equal keys, takes NaN, turns 1e999 into infinity and lets
half a surrogate pair through; each of these is refused here, with its place. A normal body takes
one pass of the C parser. Only where that pass met something wrong, or the text has an escape that
may hide half a pair, the parsed value is walked as well.
"""

import json
import re
from typing import Any, NoReturn

from hitlconsole.lib.jsonvalues import (
    INTEGER_RANGE,
    MAX_DEPTH,
    NOT_FINITE,
    Flaw,
    FlawCode,
    find_flaw,
    number_flaw,
    shown_key,
    too_deep,
)

MAX_BYTES = 256 * 1024

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_LONGEST_EXACT = len("-9007199254740991")


class StrictJSONError(ValueError):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(f"{list(flaw.loc)}: {flaw.msg}")
        self.code = flaw.code.value
        self.loc = list(flaw.loc)
        self.msg = flaw.msg


class _SuspectError(Exception):
    """The fast parser met something that only the thorough one can place."""


def loads(raw: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Raises StrictJSONError and nothing else, in time that grows with the length alone."""
    if len(raw) > max_bytes:
        raise StrictJSONError(Flaw(FlawCode.TOO_LARGE, f"longer than {max_bytes} bytes"))
    if _is_too_deep(raw, max_depth):
        raise StrictJSONError(too_deep(max_depth))
    try:
        text = raw.decode("utf-8")
        value, suspicious = _parse(text)
    except UnicodeDecodeError as error:
        flaw = Flaw(FlawCode.NOT_UTF8, f"not UTF-8 at byte {error.start}")
        raise StrictJSONError(flaw) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise StrictJSONError(
            Flaw(FlawCode.MALFORMED, f"not JSON: {error.msg} ({where})")
        ) from None
    found = find_flaw(value, max_depth=max_depth) if suspicious else None
    if found:
        raise StrictJSONError(found)
    return value


def _parse(text: str) -> tuple[Any, bool]:
    """The value, and whether it has to be walked."""
    try:
        value = _FAST.decode(text)
    except _SuspectError:
        return _THOROUGH.decode(text), True
    return value, "\\u" in text


def _is_too_deep(raw: bytes, max_depth: int) -> bool:
    """Tells before parsing, up to the first syntax error; what follows that is never parsed."""
    if raw.count(b"[") + raw.count(b"{") <= max_depth:
        return False
    # Without escapes, quotes alternate: every second piece is outside of strings.
    plain = _ESCAPED.sub(b"", raw) if b"\\" in raw else raw
    outside = b"".join(plain.split(b'"')[::2])
    depth = 0
    for bracket in outside.translate(None, delete=_NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > max_depth:
            return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _SuspectError
    return members


def _unique_or_flaw(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Flaw:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            name = shown_key(key)
            return Flaw(FlawCode.DUPLICATE_KEY, f'the key "{name}" appears twice', (name,))
        members[key] = value
    return members


def _integer_or_flaw(digits: str) -> int | Flaw:
    # Python refuses to convert thousands of digits, and takes its time with hundreds.
    return int(digits) if len(digits) <= _LONGEST_EXACT else INTEGER_RANGE


def _exact_integer(digits: str) -> int:
    if len(digits) > _LONGEST_EXACT or number_flaw(number := int(digits)):
        raise _SuspectError
    return number


def _exact_float(digits: str) -> float:
    number = float(digits)
    if number_flaw(number):
        raise _SuspectError
    return number


def _suspect(_word: str) -> NoReturn:
    raise _SuspectError


_FAST = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_suspect,
    parse_int=_exact_integer,
    parse_float=_exact_float,
)
_THOROUGH = json.JSONDecoder(
    object_pairs_hook=_unique_or_flaw,
    parse_constant=lambda _word: NOT_FINITE,
    parse_int=_integer_or_flaw,
)
