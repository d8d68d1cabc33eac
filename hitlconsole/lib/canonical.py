"""Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a hash means the value."""

import hashlib
import json
import re
from typing import Any

import rfc8785

from hitlconsole.lib.jsonvalues import MAX_DEPTH, find_flaw

# Python's C encoder writes the canonical form, except for numbers that ECMAScript writes in
# another way (whole doubles, exponents) and for the order of keys beyond the basic plane.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_OTHER_NUMBER = re.compile(r"[0-9](?:\.0(?:[],}]|\Z)|e[+-])")
_BEYOND_BASIC_PLANE = re.compile("[\U00010000-\U0010ffff]")


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
    flaw = find_flaw(value, max_depth=MAX_DEPTH)
    if flaw:
        raise CanonicalError(list(flaw.loc), flaw.msg)
    text = _ENCODER.encode(value)
    return rfc8785.dumps(value) if _is_special(text) else text.encode()


def _is_special(text: str) -> bool:
    """May also be true for a text inside, which costs time and nothing else."""
    if not text.isascii() and _BEYOND_BASIC_PLANE.search(text):
        return True
    return _OTHER_NUMBER.search(text) is not None


def sha256_hex(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, in lower-case hex."""
    return sha256_hex(canonical_bytes(value))
