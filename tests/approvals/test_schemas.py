"""Schemas of arguments: which can be registered, and what those say that should not have been."""

import json
from typing import Any

import pytest

from approvals.schemas import CUT, UNUSABLE, argument_errors, schema_errors

TREE = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    "additionalProperties": False,
}
USABLE: dict[str, dict[str, Any]] = {
    "empty": {},
    "a tree, a level of the value at each turn": TREE,
    "a pointer": {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
    "an anchor": {"properties": {"a": {"$ref": "#a"}}, "$defs": {"x": {"$anchor": "a"}}},
    "escapes in a pointer": {"allOf": [{"$ref": "#/$defs/a~1b"}], "$defs": {"a/b": True}},
    "a part with an address of its own": {
        "properties": {"a": {"$id": "urn:part", "items": {"$ref": "#/$defs/b"}, "$defs": {"b": {}}}}
    },
    "two ways to the same": {
        "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}],
        "$defs": {"a": {"minProperties": 1}},
    },
    "names and constants that look like references": {
        "properties": {"$ref": {"type": "string"}, "$dynamicRef": {"type": "string"}},
        "default": {"$ref": "https://elsewhere.example/"},
        "enum": [{"$ref": "#/nowhere"}],
    },
}


@pytest.mark.parametrize("case", USABLE)
def test_usable(case: str) -> None:
    assert schema_errors(USABLE[case]) == []
    assert UNUSABLE not in argument_errors({"a": {"a": "x"}}, USABLE[case])


def circle(**how: Any) -> dict[str, Any]:
    return {"$defs": {"a": how, "b": {"$ref": "#/$defs/a"}}}


ENDLESS = "$ref '{}' leads back to itself without end"
# Without words: one error, which ones is no matter.
UNUSABLE_SCHEMAS: dict[str, tuple[Any, list[str] | None]] = {
    "a list": ([], ["must be a JSON object"]),
    "dangling": (
        {"properties": {"a": {"$ref": "#/$defs/missing"}}},
        ["$ref '#/$defs/missing' leads nowhere"],
    ),
    "a dangling anchor": ({"items": {"$ref": "#missing"}}, ["$ref '#missing' leads nowhere"]),
    "into a text": ({"title": "x", "$ref": "#/title/y"}, ["$ref '#/title/y' leads nowhere"]),
    "into a number": ({"minProperties": 1, "$ref": "#/minProperties/0"}, None),
    "to a letter": (
        {"title": "x", "$ref": "#/title/0"},
        ["$ref '#/title/0' leads to what is no schema"],
    ),
    "past the end of a list": (
        {"allOf": [True], "items": {"$ref": "#/allOf/1"}},
        ["$ref '#/allOf/1' leads nowhere"],
    ),
    "elsewhere": (
        {"$ref": "https://evil.example/schema"},
        ["$ref 'https://evil.example/schema' leaves the schema"],
    ),
    "dynamic": (
        {"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}},
        ["$dynamicRef is not supported: use $ref"],
    ),
    "itself": ({"$ref": "#"}, [ENDLESS.format("#")]),
    "a circle of two": (circle(**{"$ref": "#/$defs/b"}), None),
    "a circle through allOf": (circle(allOf=[{"$ref": "#/$defs/b"}]), None),
    "a circle through anyOf": (circle(anyOf=[True, {"$ref": "#/$defs/b"}]), None),
    "a circle through oneOf": (circle(oneOf=[{"$ref": "#/$defs/b"}]), None),
    "a circle through not": (circle(**{"not": {"$ref": "#/$defs/b"}}), None),
    "a circle through if": (circle(**{"if": {"$ref": "#/$defs/b"}}), None),
    "a circle through then": (circle(**{"if": True, "then": {"$ref": "#/$defs/b"}}), None),
    "a circle through else": (circle(**{"if": False, "else": {"$ref": "#/$defs/b"}}), None),
    "a circle through dependentSchemas": (
        circle(dependentSchemas={"x": {"$ref": "#/$defs/b"}}),
        None,
    ),
    "to what only a reference makes a schema": (
        {"items": {"$ref": "#/x-types/a"}, "x-types": {"a": {"type": "objekt"}}},
        ["type: 'objekt' is not valid under any of the given schemas"],
    ),
    "a wrong expression": ({"items": {"pattern": "("}}, ["items/pattern: '(' is not a 'regex'"]),
    "an expression that cannot be compiled": ({"pattern": "a{99999999999999999999}"}, None),
}


@pytest.mark.parametrize("case", UNUSABLE_SCHEMAS)
def test_unusable(case: str) -> None:
    schema, words = UNUSABLE_SCHEMAS[case]
    found = schema_errors(schema)
    if words is None:
        assert len(found) == 1
    else:
        assert found == words


def test_a_long_circle_is_found_without_recursion() -> None:
    steps = {str(n): {"$ref": f"#/$defs/{(n + 1) % 3000}"} for n in range(3000)}
    assert schema_errors({"$defs": steps})[0].endswith("leads back to itself without end")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#/$defs/missing"}}},
        {"$ref": "#"},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"type": "objekt"}}},
        {"$ref": "#/$defs/0", "$defs": {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(3000)}},
    ],
    ids=["dangling", "endless", "expression", "type", "too long a chain"],
)
def test_what_was_registered_all_the_same_lets_nothing_pass(schema: dict[str, Any]) -> None:
    (error,) = argument_errors({"a": "x"}, schema)
    assert (error.loc, error.msg) == (
        ("action", "type"),
        "is registered with a schema that cannot be used: an admin must correct it",
    )


def test_a_message_repeats_little_of_the_arguments() -> None:
    schema = {
        "additionalProperties": {"type": "integer"},
        "allOf": [{"minProperties": 5 + n} for n in range(40)],
    }
    errors = argument_errors({"a": "x" * 200_000, "k" * 100_000: 1.5}, schema)
    assert len(errors) == 20
    assert len(json.dumps([[e.loc, e.msg] for e in errors])) < 10_000
    (typed,) = [error for error in errors if error.loc == ("action", "arguments", "a")]
    assert typed.msg == f"'{'x' * (149 - len(CUT))}{CUT} is not of type 'integer'"
    assert "k" * 64 + "…" in [error.loc[-1] for error in errors]


def test_a_message_of_ordinary_length_is_whole() -> None:
    (error,) = argument_errors({"a": "x" * 200}, {"properties": {"a": {"type": "integer"}}})
    assert error.msg == f"'{'x' * 200}' is not of type 'integer'"
