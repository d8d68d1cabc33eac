"""Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a hash means the value."""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

import rfc8785

from hitlconsole.lib.jsonvalues import MAX_DEPTH, find_flaw

# Python's C encoder writes the canonical form, except for numbers that ECMAScript writes in
# another way (whole doubles, exponents) and for the order of keys beyond the basic plane.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_BEYOND_BASIC_PLANE = re.compile("[\U00010000-\U0010ffff]")
_WHOLE_DOUBLE = (b".0,", b".0]", b".0}")
# In a text whose digits are all zeros, so that one search finds any number.
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_EXPONENT_MARKS = (b"0e+", b"0e-")
# UUIDs have such marks, too; what follows tells them apart.
_EXPONENT = re.compile(r"[0-9]e[+-][0-9]+(?:[],}]|\Z)")
_LONG_NUMBER = b"0" * 16
_SCALARS = frozenset((str, int, float, bool, type(None)))


class CanonicalError(ValueError):
    """A value without canonical bytes; `loc` holds the keys and indexes that lead to the flaw."""

    def __init__(self, loc: list[str | int], msg: str) -> None:
        super().__init__(f"{loc}: {msg}")
        self.loc = loc
        self.msg = msg


def canonical_bytes(value: Any) -> bytes:
    """Stricter than RFC 8785: depth at most 32, and no NUL characters, which Postgres can't store.

    Raises CanonicalError.
    """
    if not _is_plain(value, 0):
        _refuse_flaws(value)
    try:
        text = _ENCODER.encode(value)
        raw = text.encode()
    except ValueError:  # not finite, or half a surrogate pair
        _refuse_flaws(value)
        raise
    shape = raw.translate(_ZEROS)
    has_exponent = (
        any(mark in shape for mark in _EXPONENT_MARKS) and _EXPONENT.search(text) is not None
    )
    if has_exponent or _LONG_NUMBER in shape or b"\\u0000" in shape:
        _refuse_flaws(value)
    other_number = has_exponent or raw.endswith(b".0") or any(mark in raw for mark in _WHOLE_DOUBLE)
    if other_number or not (text.isascii() or _BEYOND_BASIC_PLANE.search(text) is None):
        # Also for a text inside that looks like one: that costs time and nothing else.
        return rfc8785.dumps(value)
    return raw


def _refuse_flaws(value: Any) -> None:
    flaw = find_flaw(value, max_depth=MAX_DEPTH)
    if flaw:
        raise CanonicalError(list(flaw.loc), flaw.msg)


def _is_plain(value: Any, depth: int) -> bool:
    """Whether types and depth are harmless, in a fraction of the time that a full look takes."""
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                return False
        members: Iterable[Any] = value.values()
    elif type(value) is list:
        members = value
    else:
        return isinstance(value, str) or type(value) in _SCALARS
    if depth >= MAX_DEPTH:
        return False
    for member in members:
        if type(member) not in _SCALARS and not _is_plain(member, depth + 1):
            return False
    return True


def sha256_hex(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, in lower-case hex."""
    return sha256_hex(canonical_bytes(value))
