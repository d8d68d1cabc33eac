"""JSON Schemas of action arguments (draft 2020-12), without references to other documents."""

import json
import logging
from collections.abc import Iterator
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from hitlconsole.lib.jsonvalues import shown_key
from hitlconsole.lib.problems import FieldError

logger = logging.getLogger(__name__)

MAX_ERRORS = 20
MAX_MESSAGE = 300
# Of a value that a message repeats: what is said about the value still follows it.
MAX_ECHO = 150
CUT = "… (cut)"

UNUSABLE = FieldError(
    ("action", "type"),
    "is registered with a schema that cannot be used: an admin must correct it",
)

# What is applied to the same value as the schema it stands in. All else looks at parts of it.
_LISTS_ON_THE_VALUE = ("allOf", "anyOf", "oneOf")
_ONE_ON_THE_VALUE = ("not", "if", "then", "else")


@lru_cache(maxsize=512)
def _validator(schema: str) -> Draft202012Validator:
    # The empty registry keeps $ref inside the schema: nothing is ever fetched.
    return Draft202012Validator(json.loads(schema), registry=Registry())


def argument_errors(arguments: dict[str, Any], schema: dict[str, Any] | None) -> list[FieldError]:
    """What does not fit, at most 20 of it, located below action.arguments.

    A schema that cannot be applied lets nothing pass: it is the one error, at action.type.
    """
    if schema is None:
        return []
    try:
        errors = _validator(json.dumps(schema, sort_keys=True)).iter_errors(arguments)
        return [_field_error(error) for error, _ in zip(errors, range(MAX_ERRORS), strict=False)]
    except Exception as error:  # noqa: BLE001 - any of the validator's: it is told and logged
        logger.error("a registered schema cannot be used: %s", _cause(error))
        return [UNUSABLE]


def _cause(error: Exception) -> str:
    return _cut(f"{type(error).__name__}: {error}", MAX_MESSAGE)


def _field_error(error: ValidationError) -> FieldError:
    path = (shown_key(p) if isinstance(p, str) else p for p in error.absolute_path)
    return FieldError(("action", "arguments", *path), _message(error))


def _message(error: ValidationError | SchemaError) -> str:
    """The validator's words, which repeat the whole wrong value, at a bounded length."""
    message = str(error.message)
    if len(message) > MAX_MESSAGE:
        echo = repr(error.instance)
        message = message.replace(echo, _cut(echo, MAX_ECHO))
    return _cut(message, MAX_MESSAGE)


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - len(CUT)] + CUT


def schema_errors(schema: Any) -> list[str]:
    """What makes a document no JSON Schema that we can use; empty where it is one."""
    if not isinstance(schema, dict):
        return ["must be a JSON object"]
    try:
        Draft202012Validator.check_schema(schema)
        return _References(schema).errors[:MAX_ERRORS]
    except SchemaError as error:
        path = "/".join(map(str, error.absolute_path)) or "the schema"
        return [f"{path}: {_message(error)}"]
    except Exception as error:  # noqa: BLE001 - what the validator chokes on is told
        return [f"the validator fails on it: {_cause(error)}"]


class _References:
    """Where the references of a schema lead. Raises SchemaError where that is no valid schema.

    A circle in which no step looks at a part of the value would be followed for ever.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.errors: list[str] = []
        # Schemas are told apart by identity: equal ones may stand in many places.
        self._on_the_value: dict[int, set[int]] = {}
        self._refs: dict[int, str] = {}
        resource = DRAFT202012.create_resource(schema)
        self._todo: list[tuple[dict[str, Any], Any]] = []
        self._meet(schema, Registry().resolver_with_root(resource))
        while self._todo:
            self._visit(*self._todo.pop())
        self._find_circle()

    def _meet(self, node: Any, resolver: Any) -> bool:
        """Whether it is a schema that was not met before."""
        new = isinstance(node, dict) and id(node) not in self._on_the_value
        if new:
            self._on_the_value[id(node)] = {id(one) for one in _on_the_value(node)}
            self._todo.append((node, resolver))
        return new

    def _visit(self, node: dict[str, Any], resolver: Any) -> None:
        for child in DRAFT202012.create_resource(node).subresources():
            inside = DRAFT202012.create_resource(child.contents)
            self._meet(child.contents, resolver.in_subresource(inside))
        if "$dynamicRef" in node:
            self.errors.append("$dynamicRef is not supported: use $ref")
        if "$ref" in node:
            self._follow(node, resolver)

    def _follow(self, node: dict[str, Any], resolver: Any) -> None:
        ref = node["$ref"]
        shown = f"$ref {shown_key(ref)!r}"
        if ref[:1] != "#":
            self.errors.append(f"{shown} leaves the schema")
            return
        try:
            found = resolver.lookup(ref)
        except (Unresolvable, LookupError, TypeError, ValueError):
            # The library walks into texts and numbers as well, with their own errors.
            self.errors.append(f"{shown} leads nowhere")
            return
        if not isinstance(found.contents, dict | bool):
            self.errors.append(f"{shown} leads to what is no schema")
            return
        self._refs[id(node)] = shown
        self._on_the_value[id(node)].add(id(found.contents))
        if self._meet(found.contents, found.resolver):
            # It may stand where the check of the whole has not taken it for a schema.
            Draft202012Validator.check_schema(found.contents)

    def _find_circle(self) -> None:
        try:
            TopologicalSorter(self._on_the_value).prepare()
        except CycleError as error:
            named = [self._refs[one] for one in error.args[1] if one in self._refs]
            self.errors.append(f"{named[0]} leads back to itself without end")


def _on_the_value(node: dict[str, Any]) -> Iterator[Any]:
    for name in _LISTS_ON_THE_VALUE:
        yield from node.get(name, ())
    yield from (node[name] for name in _ONE_ON_THE_VALUE if name in node)
    yield from node.get("dependentSchemas", {}).values()
