from typing import Any

import pytest

from approvals.console.argument_kinds import Kind
from approvals.console.edit_reading import NotReadable, read_edit
from approvals.console.editing import edit_form

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "rate": {"type": "number"},
        "sure": {"type": "boolean"},
        "size": {"enum": ["S", "M"]},
        "tags": {"type": "array"},
    },
    "required": ["text"],
}
FULL = {"text": "a", "count": 3, "rate": 1.5, "sure": True, "size": "S", "tags": ["x"]}


def test_each_argument_is_typed_by_its_schema() -> None:
    kinds = {field.key: field.kind for field in edit_form(FULL | {"more": {"a": 1}}, SCHEMA).fields}
    assert kinds == {
        "text": Kind.TEXT,
        "count": Kind.INTEGER,
        "rate": Kind.NUMBER,
        "sure": Kind.BOOLEAN,
        "size": Kind.CHOICE,
        "tags": Kind.JSON,
        "more": Kind.JSON,
    }


@pytest.mark.parametrize("value", [{"text": 5}, {"count": "3"}, {"sure": "yes"}, {"size": 7}])
def test_a_value_of_another_type_is_edited_as_json(value: dict[str, Any]) -> None:
    ((key, _),) = value.items()
    fields = {field.key: field.kind for field in edit_form(FULL | value, SCHEMA).fields}
    assert fields[key] == Kind.JSON


def typed_as_shown(arguments: dict[str, Any]) -> dict[str, str]:
    return {field.name: field.typed for field in edit_form(arguments, SCHEMA).fields}


@pytest.mark.parametrize(
    "arguments",
    [
        FULL,
        {"text": ""},
        {"text": "a\r\nb"},
        {"text": None},
        {"text": "x", "count": None, "extra": None},
        {"text": "x", "rate": 1e21, "count": 0},
        {"text": "\u202e", "tags": []},
    ],
)
def test_a_form_sent_back_unchanged_changes_nothing(arguments: dict[str, Any]) -> None:
    assert read_edit(arguments, SCHEMA, typed_as_shown(arguments)) == arguments


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"arg:count": " 7 "}, {"count": 7}),
        ({"arg:rate": "2"}, {"rate": 2}),
        ({"arg:rate": "-2.25"}, {"rate": -2.25}),
        ({"arg:sure": "false"}, {"sure": False}),
        ({"arg:size": "M"}, {"size": "M"}),
        ({"arg:tags": '["y", 2]'}, {"tags": ["y", 2]}),
        ({"arg:text": ""}, {"text": ""}),
    ],
)
def test_what_is_typed_becomes_a_value(typed: dict[str, str], expected: dict[str, Any]) -> None:
    assert read_edit(FULL, SCHEMA, typed) == FULL | expected


def test_an_emptied_optional_field_is_left_out() -> None:
    edited = read_edit(FULL, SCHEMA, {"arg:count": "", "arg:size": "", "arg:tags": ""})
    assert edited == {"text": "a", "rate": 1.5, "sure": True}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("count", "1.5"),
        ("count", "1e3"),
        ("count", "9" * 20),
        ("rate", "nan"),
        ("rate", "1e999"),
        ("sure", "maybe"),
        ("tags", "[1, 1"),
        ("tags", '{"a": 1, "a": 2}'),
        ("tags", "[NaN]"),
    ],
)
def test_what_is_no_value_is_refused_at_its_field(field: str, text: str) -> None:
    with pytest.raises(NotReadable) as refused:
        read_edit(FULL, SCHEMA, {f"arg:{field}": text})
    assert list(refused.value.errors) == [field]


@pytest.mark.parametrize("text", ["", "[]", "1", "{", '{"a": 1, "a": 2}', '{"a": NaN}'])
def test_without_a_schema_only_an_object_will_do(text: str) -> None:
    with pytest.raises(NotReadable):
        read_edit({"a": 1}, None, {"arguments": text})
