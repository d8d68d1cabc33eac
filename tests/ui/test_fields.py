import json
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from hitlconsole.ui.fields import Field, FieldChange, field_changes, json_rows

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def test_nested_values_become_rows() -> None:
    value = {"a": {"b": [1, "1", True, None]}, "n": Decimal("4.20"), "e": {}, "l": [], "s": ""}
    assert json_rows(value) == [
        Field("a.b[0]", "number", "1"),
        Field("a.b[1]", "text", "1"),
        Field("a.b[2]", "yes/no", "true"),
        Field("a.b[3]", "null", "null"),
        Field("n", "number", "4.20"),
        Field("e", "empty object", "{}"),
        Field("l", "empty list", "[]"),
        Field("s", "text", ""),
    ]


def test_a_key_cannot_pass_for_a_path() -> None:
    assert [row.path for row in json_rows({"a.b": 1, "a": {"b": 2}, "": 3, 'x"]': 4})] == [
        '["a.b"]',
        "a.b",
        '[""]',
        '["x\\"]"]',
    ]


@given(st.dictionaries(st.text(max_size=4), values))
def test_every_path_is_one_value(value: dict[str, object]) -> None:
    paths = [row.path for row in json_rows(value)]
    assert len(paths) == len(set(paths))


@given(values)
def test_nothing_differs_from_itself(value: object) -> None:
    again = json.loads(json.dumps(value))
    assert {change.change for change in field_changes(value, again)} == {"same"}


def test_changes_by_field() -> None:
    assert field_changes({"a": 1, "b": "2", "c": 3}, {"a": 1, "b": 2, "d": None}) == [
        FieldChange("a", "same", Field("a", "number", "1"), Field("a", "number", "1")),
        FieldChange("b", "changed", Field("b", "text", "2"), Field("b", "number", "2")),
        FieldChange("d", "added", None, Field("d", "null", "null")),
        FieldChange("c", "removed", Field("c", "number", "3"), None),
    ]


@pytest.mark.parametrize("length", [10_000, 100_000])
def test_a_long_argument_is_there_in_full(length: int) -> None:
    padding = "\n".join(f"line {number}" for number in range(length // 10))
    value = {"body": padding + "\nrm -rf /"}
    shown = render_to_string("components/arguments.html", {"value": value})
    assert padding + "\nrm -rf /</bdi>" in shown


def test_rows_are_inert_and_say_what_is_no_text() -> None:
    value = {"<b>": '<script>"&', "e": "", "n": 1, "t": "a\u202eb", "m": "аdmin here"}
    html = render_to_string("components/arguments.html", {"value": value, "caption": "C"})
    assert "<script>" not in html
    assert "<bdi>[&quot;&lt;b&gt;&quot;]</bdi></th>" in html
    assert "<bdi>&lt;script&gt;&quot;&amp;</bdi></td>" in html
    assert '<span class="kv__none">empty text</span>' in html
    assert '<bdi class="kv__value">1</bdi> <span class="kv__kind">number</span>' in html
    assert "1 hidden character, shown as" in html
    assert "mixed alphabets" in html
    assert html.count("<tr>") == 6
