"""Canonical JSON: the same value gives the same bytes, and what has no safe bytes is refused."""

import json
import random
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hitlconsole.lib.canonical import CanonicalError, canonical_bytes, digest, sha256_hex
from hitlconsole.lib.jsonvalues import find_flaw
from hitlconsole.lib.strictjson import loads

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: not 2**53 <= abs(number) < 1e21
    )
    | text
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


ODD = [
    *(float("nan"), float("-inf"), 2**53, -(2**53), 10**30, 10**4000, float(2**53), 1e17, -1e20),
    *("\ud800", "x\x00", "\\u0000", "1234567890123456", "1e+5", b"x", Decimal(1), Colour.RED),
    *((1, 2), (), {1, 2}, 1e21, 1.0, "\U0001f600"),
]


def inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = text | st.sampled_from([1, None, "\udfff", "a\x00", Colour.RED, "\ufb33", "\U0001f600"])
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, list):
        return [shuffled(item, rng) for item in value]
    if isinstance(value, dict):
        members = [(key, shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(members)
        return dict(members)
    return value


@given(json_values, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_nothing(value: Any, rng: random.Random) -> None:
    assert canonical_bytes(shuffled(value, rng)) == canonical_bytes(value)


@given(json_values)
def test_the_bytes_read_back_as_the_value_and_are_their_own_canonical_form(value: Any) -> None:
    raw = canonical_bytes(value)
    assert json.loads(raw) == value
    assert canonical_bytes(loads(raw)) == raw


@given(json_values)
def test_the_quick_way_gives_the_bytes_of_the_reference(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ({"b": 1, "a": [True, None, "x"]}, '{"a":[true,null,"x"],"b":1}'),
        # The example of RFC 8785, section 3.2.2.
        (
            {
                "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
                "literals": [None, True, False],
            },
            '{"literals":[null,true,false],'
            '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
        ),
        # Section 3.2.3: sorted by UTF-16 units, where an astral character precedes U+FB33.
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
        ),
        ([-0.0, 0.0, 1.0, 1e21, 1e15, 1e-6, 1e-7], "[0,0,1,1e+21,1000000000000000,0.000001,1e-7]"),
        ([float(2**53 - 1)], "[9007199254740991]"),
        ([2**53 - 1, -(2**53) + 1], "[9007199254740991,-9007199254740991]"),
    ],
)
def test_known_bytes(value: Any, raw: str) -> None:
    assert canonical_bytes(value) == raw.encode()


def test_the_digest_is_of_the_canonical_bytes() -> None:
    assert digest({"b": 1, "a": 2}) == sha256_hex(b'{"a":2,"b":1}')
    # From an implementation that is not this one: printf '{}' | sha256sum
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


RANGE = "whole numbers end at 9007199254740991: send larger ones as strings"
FINITE = "NaN and Infinity are no JSON numbers"
SURROGATE = "text must not contain half of a surrogate pair"
NUL = "text must not contain the NUL character"


@pytest.mark.parametrize(
    ("value", "loc", "msg"),
    [
        (2**53, [], RANGE),
        ({"a": [1, {"n": -(2**53)}]}, ["a", 1, "n"], RANGE),
        ({"a": float(2**53)}, ["a"], RANGE),
        ([1e21, -1e20], [1], RANGE),
        (10**400, [], RANGE),
        ({"a": float("nan")}, ["a"], FINITE),
        ([float("inf")], [0], FINITE),
        ({"a": ["x", "\ud800"]}, ["a", 1], SURROGATE),
        ({"a": {"\udfff": 1}}, ["a", "\\udfff"], SURROGATE),
        ({"a": "x\x00"}, ["a"], NUL),
        ({"a": {"x\x00": 1}}, ["a", "x\\x00"], NUL),
        ({"a": {1: 2}}, ["a"], "a key must be a string, not int"),
        ({"a": b"x"}, ["a"], "bytes is no JSON value"),
        ({"a": {1, 2}}, ["a"], "set is no JSON value"),
        (nested(33), [0] * 32, "nested deeper than 32 levels"),
        (nested(5000), [0] * 32, "nested deeper than 32 levels"),
    ],
)
def test_what_has_no_canonical_bytes_is_refused_with_its_place(
    value: Any, loc: list[str | int], msg: str
) -> None:
    with pytest.raises(CanonicalError) as caught:
        canonical_bytes(value)
    assert (caught.value.loc, caught.value.msg) == (loc, msg)


def test_a_number_too_long_for_python_to_write_is_refused_like_any_other() -> None:
    with pytest.raises(CanonicalError, match=RANGE):
        canonical_bytes([10**5000])


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    with pytest.raises(CanonicalError, match="nested deeper than 32 levels"):
        canonical_bytes(endless)


def test_depth_32_is_allowed() -> None:
    assert canonical_bytes(nested(32)) == b"[" * 32 + b"]" * 32


@given(st.recursive(scalars | st.sampled_from(ODD), inside, max_leaves=20))
def test_whatever_the_full_look_finds_is_refused(value: Any) -> None:
    flaw = find_flaw(value)
    if flaw is None:
        assert canonical_bytes(value) == rfc8785.dumps(value)
    else:
        with pytest.raises(CanonicalError) as caught:
            canonical_bytes(value)
        assert (caught.value.loc, caught.value.msg) == (list(flaw.loc), flaw.msg)
