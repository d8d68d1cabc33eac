"""Strict JSON: what two parsers could read differently is refused, quickly and with its place."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitlconsole.lib.strictjson import StrictJSONError, loads
from tests.lib.test_canonical import FINITE, NUL, RANGE, SURROGATE, json_values

TOO_DEEP = "nested deeper than 32 levels"


def refusal(raw: bytes, **limits: int) -> tuple[str, list[str | int], str]:
    with pytest.raises(StrictJSONError) as caught:
        loads(raw, **limits)
    return caught.value.code, caught.value.loc, caught.value.msg


@given(json_values)
def test_what_is_fine_is_read_as_python_reads_it(value: Any) -> None:
    for ascii_only in (True, False):
        raw = json.dumps(value, ensure_ascii=ascii_only).encode()
        assert loads(raw) == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "code", "loc", "msg"),
    [
        (b"", "malformed", [], "not JSON: Expecting value (line 1, column 1)"),
        (b"{'a': 1}", "malformed", [], None),
        (b'{"a": 1}x', "malformed", [], "not JSON: Extra data (line 1, column 9)"),
        (b"[1,\n2,]", "malformed", [], "not JSON: Expecting value (line 2, column 3)"),
        (b"\xef\xbb\xbf{}", "malformed", [], "not JSON: Expecting value (line 1, column 1)"),
        (b'"\x00"', "malformed", [], "not JSON: Invalid control character at (line 1, column 2)"),
        (b'[{"a": 1, "a": 2}, x', "malformed", [], "not JSON: Expecting value (line 1, column 20)"),
        (b"[" + b"9" * 5000 + b", x", "malformed", [], None),
        ("[1]".encode("utf-16"), "not_utf8", [], "not UTF-8 at byte 0"),
        (b'{"a": "\xff"}', "not_utf8", [], "not UTF-8 at byte 7"),
        (b'"\xed\xa0\x80"', "not_utf8", [], "not UTF-8 at byte 1"),
        (b'{"a": 1, "a": 1}', "duplicate_key", ["a"], 'the key "a" appears twice'),
        (
            b'{"x": [0, {"a": 1, "b": {}, "\\u0061": 3}]}',
            "duplicate_key",
            ["x", 1, "a"],
            'the key "a" appears twice',
        ),
        (
            b'{"\\ud800": 1, "\\ud800": 2}',
            "duplicate_key",
            ["\\ud800"],
            'the key "\\ud800" appears twice',
        ),
        (b"NaN", "not_finite", [], FINITE),
        (b'{"a": [1, -Infinity]}', "not_finite", ["a", 1], FINITE),
        (b'{"a": {"b": 1e999}}', "not_finite", ["a", "b"], FINITE),
        (b'{"a": -1E+400}', "not_finite", ["a"], FINITE),
        (b"[" + b"9" * 400 + b".0]", "not_finite", [0], FINITE),
        (b"9007199254740992", "integer_range", [], RANGE),
        (b'{"a": [-9007199254740992]}', "integer_range", ["a", 0], RANGE),
        (b'{"a": ' + b"9" * 5000 + b"}", "integer_range", ["a"], RANGE),
        (b'{"a": -' + b"1" * 200_000 + b"}", "integer_range", ["a"], RANGE),
        (b"900719925474099.3e1", "integer_range", [], RANGE),
        (b'{"a":[1e21,-1E+20]}', "integer_range", ["a", 1], RANGE),
        (b'{"a": 9007199254740992.0}', "integer_range", ["a"], RANGE),
        (b'["\\ud800"]', "lone_surrogate", [0], SURROGATE),
        (b'["\\udc00\\ud800"]', "lone_surrogate", [0], SURROGATE),
        (b'{"a": {"\\uDFFF": 1}}', "lone_surrogate", ["a", "\\udfff"], SURROGATE),
        (b'{"a": "x\\u0000"}', "nul_character", ["a"], NUL),
        (b'{"x\\u0000": {"y": 1}}', "nul_character", ["x\\x00"], NUL),
        (b"[" * 33 + b"]" * 33, "too_deep", [], TOO_DEEP),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep", [], TOO_DEEP),
        (b'["]"' + b',["]"' * 32 + b"]" * 33, "too_deep", [], TOO_DEEP),
    ],
)
def test_refused_with_its_place(
    raw: bytes, code: str, loc: list[str | int], msg: str | None
) -> None:
    found = refusal(raw)
    assert found[:2] == (code, loc)
    assert msg in (None, found[2])


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" [9007199254740991, -9007199254740991]\r\n", [2**53 - 1, -(2**53) + 1]),
        (b"[1.5e3, 1e-400, 1E+2, 1e308, 1e21]", [1500.0, 0.0, 100.0, 1e308, 1e21]),
        (b'["\\ud83d\\ude00", "\\u0001", "1e999", "9999999999999999999"]', None),
        (b'{"a": {"a": {"a": []}}}', {"a": {"a": {"a": []}}}),
        (b"[" * 32 + b"]" * 32, None),
        (b"[" + b",".join([b"[[[]]]"] * 100) + b"]", [[[[]]]] * 100),
        (b'["' + b"[" * 500 + b'", "\\"[[' + b"{" * 500 + b'", "\\\\"]', None),
        (b"null", None),
    ],
)
def test_let_in(raw: bytes, value: Any) -> None:
    assert loads(raw) == (json.loads(raw) if value is None else value)


def test_the_limits_are_exact() -> None:
    assert loads(b'"' + b"x" * 262_142 + b'"') == "x" * 262_142
    too_long = b'"' + b"x" * 262_143 + b'"'
    assert refusal(too_long) == ("too_large", [], "longer than 262144 bytes")
    assert loads(b"[1]", max_bytes=3, max_depth=1) == [1]
    assert refusal(b"[1]", max_bytes=2) == ("too_large", [], "longer than 2 bytes")
    assert refusal(b"[[]]", max_depth=1) == ("too_deep", [], "nested deeper than 1 levels")


def test_a_key_in_a_message_is_short_and_printable() -> None:
    raw = json.dumps({"\x1b" + "k" * 1000: float("nan")}).encode()
    assert refusal(raw)[1] == ["\\x1b" + "k" * 63 + "\u2026"]


HOSTILE = {
    "10,000 arrays": b"[" * 10_000,
    "1,000,000 arrays": b"[" * 1_000_000,
    "1,000,000 objects": b'{"a":' * 1_000_000,
    "escaped quotes": b"[" * 33 + b'"' + b'\\"' * 500_000,
    "escaped quotes, outside": b'"' + b"[" * 33 + b'"\\' * 500_000,
    "open strings": b'["' * 33 + b"\\" * 999_999,
    "digits": b"9" * 1_000_000,
    "many equal keys": b"{" + b'"a":1,' * 150_000 + b'"a":1}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_quickly(name: str) -> None:
    start = time.perf_counter()
    refusal(HOSTILE[name], max_bytes=10_000_000)
    # Five to fifty times what it takes; a quadratic scan of a megabyte takes minutes.
    assert time.perf_counter() - start < 2


PUNCTUATION = [b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b" ", b"\n", b"\x00"]
NUMBERS = [b"1", b"-", b".", b"e9", b"E+999", b"9" * 17, b"9" * 5000, b"NaN"]
TEXTS = [b"null", b'"a":', b"\\u", b"d800", b"0000", b"\xff", b"\xf0\x9f\x98\x80", b"[" * 40]
pieces = st.sampled_from(PUNCTUATION + NUMBERS + TEXTS)
soup = st.lists(pieces, max_size=30).map(b"".join)


def assert_read_or_refused(raw: bytes) -> None:
    try:
        value = loads(raw)
    except StrictJSONError as error:
        json.dumps([error.code, error.loc, error.msg], ensure_ascii=False).encode()
    else:
        assert value == json.loads(raw)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@given(st.binary(max_size=200) | soup)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    assert_read_or_refused(raw)


@given(json_values, st.data())
def test_damaged_json_is_read_or_refused(value: Any, data: st.DataObject) -> None:
    raw = json.dumps(value).encode()
    at = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 3))
    assert_read_or_refused(raw[:at] + data.draw(pieces) + raw[at + cut :])
