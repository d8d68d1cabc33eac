"""JSON Schemas of action arguments (draft 2020-12), without references to other documents."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

from hitlconsole.lib.problems import FieldError

MAX_ERRORS = 20


@lru_cache(maxsize=512)
def _validator(schema: str) -> Draft202012Validator:
    # The empty registry keeps $ref inside the schema: nothing is ever fetched.
    return Draft202012Validator(json.loads(schema), registry=Registry())


def argument_errors(arguments: dict[str, Any], schema: dict[str, Any] | None) -> list[FieldError]:
    """What does not fit, at most 20 of it, located below action.arguments."""
    if schema is None:
        return []
    errors = _validator(json.dumps(schema, sort_keys=True)).iter_errors(arguments)
    return [_field_error(error) for error, _ in zip(errors, range(MAX_ERRORS), strict=False)]


def _field_error(error: ValidationError) -> FieldError:
    return FieldError(("action", "arguments", *error.absolute_path), error.message)


def schema_errors(schema: Any) -> list[str]:
    """What makes a document no JSON Schema that we can use; empty where it is one."""
    if not isinstance(schema, dict):
        return ["must be a JSON object"]
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = "/".join(map(str, error.absolute_path)) or "the schema"
        return [f"{path}: {error.message}"]
    return [f"$ref {ref!r} leaves the schema" for ref in _references(schema) if ref[:1] != "#"]


def _references(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
