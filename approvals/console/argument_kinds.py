"""How one value of an action is typed in a form: by its JSON Schema, and by what it is. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum
from typing import Any

from hitlconsole.lib.strictjson import StrictJSONError, loads
from hitlconsole.ui.untrusted import hidden_count

LONG_TEXT = 80
LONG_LIMIT = 200
MOST_REFERENCES = 8
_INTEGER = re.compile(r"[+-]?\d{1,15}")
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{1,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?")
# What a schema says about a value that no single field can show.
_COMBINED = frozenset(("oneOf", "anyOf", "allOf", "not", "if", "$ref"))


class Missing(Enum):
    """Stands for a value that is not there: null is a value."""

    MISSING = "missing"


MISSING = Missing.MISSING


class Kind(StrEnum):
    TEXT = "text"
    LONG = "long"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    # One of several texts; one of several values, each written as JSON.
    CHOICE = "choice"
    CONSTANT = "constant"
    DATE = "date"
    JSON = "json"


TEXTS = (Kind.TEXT, Kind.LONG)
PLAIN = (*TEXTS, Kind.CHOICE, Kind.DATE)


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Spec:
    """The part of a schema that one value has to fit; `nullable`: null fits as well."""

    schema: Mapping[str, Any]
    nullable: bool = False

    @property
    def type(self) -> object:
        return self.schema.get("type")

    @property
    def help(self) -> str:
        return str(self.schema.get("description", ""))


def read_spec(schema: object, root: Mapping[str, Any]) -> Spec:
    """References followed, and null taken out of the alternatives."""
    found, nullable = _followed(schema, root), False
    for name in ("anyOf", "oneOf"):
        one = _besides_null(found.get(name))
        if one is not None:
            found, nullable = {**_without(found, name), **_followed(one, root)}, True
    types = found.get("type")
    if isinstance(types, list):
        others = [one for one in types if one != "null"]
        nullable = nullable or "null" in types
        found = {**found, "type": others[0] if len(others) == 1 else others}
    return Spec(found, nullable)


def _followed(schema: object, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema
    for _ in range(MOST_REFERENCES):
        if not isinstance(found, Mapping) or "$ref" not in found:
            break
        found = {**_without(found, "$ref"), **_pointed(found["$ref"], root)}
    return found if isinstance(found, Mapping) else {}


def _pointed(ref: object, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference within the document leads to; empty for any other."""
    found: Any = root
    steps = str(ref).split("/")
    if steps[0] != "#":
        return {}
    for step in steps[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _without(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}


def _besides_null(alternatives: object) -> object:
    """The one alternative beside null; None where there is another number of them."""
    if not isinstance(alternatives, list) or len(alternatives) != 2:
        return None
    others = [one for one in alternatives if one != {"type": "null"}]
    return others[0] if len(others) == 1 else None


def kind_of(spec: Spec, value: object) -> tuple[Kind, tuple[Choice, ...]]:
    """A value that is not of the schema's type is edited as JSON, so that nothing is bent.

    So is a text with characters that nobody sees: as JSON they are escapes.
    """
    if isinstance(value, str) and hidden_count(value):
        return Kind.JSON, ()
    options = spec.schema.get("enum", [spec.schema["const"]] if "const" in spec.schema else None)
    if isinstance(options, list) and options:
        return _choice(options, spec, value)
    if _COMBINED & spec.schema.keys():
        return Kind.JSON, ()
    return _typed_kind(spec, value), ()


def _choice(options: list[Any], spec: Spec, value: object) -> tuple[Kind, tuple[Choice, ...]]:
    texts = all(isinstance(option, str) for option in options) and not spec.nullable
    if texts and (value is MISSING or isinstance(value, str | None)):
        return Kind.CHOICE, tuple(Choice(option, option) for option in options)
    if texts:
        return Kind.JSON, ()
    if spec.nullable and None not in options:
        options = [*options, None]
    return Kind.CONSTANT, tuple(Choice(pretty(option), _label(option)) for option in options)


def _label(option: object) -> str:
    return option if isinstance(option, str) else pretty(option)


def _typed_kind(spec: Spec, value: object) -> Kind:
    empty = value is MISSING or value is None
    match spec.type:
        case "string" if empty or isinstance(value, str):
            return _text_kind(spec, value)
        case "integer" if empty or (isinstance(value, int) and not isinstance(value, bool)):
            return Kind.INTEGER
        case "number" if empty or (isinstance(value, int | float) and not isinstance(value, bool)):
            return Kind.NUMBER
        case "boolean" if empty or isinstance(value, bool):
            return Kind.BOOLEAN
        case None if isinstance(value, str):
            return _text_kind(spec, value)
    return Kind.JSON


def _text_kind(spec: Spec, value: object) -> Kind:
    text = value if isinstance(value, str) else ""
    if spec.schema.get("format") == "date" and not spec.nullable and value is not None:
        return Kind.DATE if not text or _is_date(text) else Kind.TEXT
    longest = spec.schema.get("maxLength", 0)
    long = "\n" in text or len(text) > LONG_TEXT or longest > LONG_LIMIT
    return Kind.LONG if long else Kind.TEXT


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def pretty(value: object) -> str:
    """JSON to read and edit; characters that nobody would see are escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(json.dumps(c)[1:-1] if hidden_count(c) else c for c in text)


def as_typed(value: object, kind: Kind) -> str:
    """A value as it stands in its field."""
    if value is MISSING:
        return ""
    if kind in PLAIN:
        return "" if value is None else str(value)
    return pretty(value)


def read_typed(typed: str, kind: Kind) -> object:
    """The value that was typed. Raises ValueError with what is wrong, in words."""
    match kind:
        case Kind.TEXT | Kind.CHOICE:
            return typed
        case Kind.LONG:
            return typed.replace("\r\n", "\n")
        case Kind.INTEGER:
            return _read_integer(typed.strip())
        case Kind.NUMBER:
            return _read_number(typed.strip())
        case Kind.BOOLEAN:
            return _read_boolean(typed)
        case Kind.DATE:
            return _read_date(typed)
    return read_json(typed)


def _read_integer(text: str) -> int | None:
    if text == "null":
        return None
    if not _INTEGER.fullmatch(text):
        raise ValueError("must be a whole number")
    return int(text)


def _read_number(text: str) -> int | float | None:
    if text == "null":
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number such as 12.5")
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def _read_boolean(text: str) -> bool | None:
    if text not in ("true", "false", "null"):
        raise ValueError("must be yes or no")
    return None if text == "null" else text == "true"


def _read_date(text: str) -> str:
    if not _is_date(text):
        raise ValueError("must be a date such as 2026-03-02")
    return text


def read_json(text: str) -> object:
    try:
        return loads(text.encode())
    except StrictJSONError as error:
        raise ValueError(error.msg) from None
