"""An action as a form: a typed field for every argument, and back again. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hitlconsole.lib.strictjson import StrictJSONError, loads
from hitlconsole.ui.untrusted import hidden_count

PREFIX = "arg:"
WHOLE = "arguments"
_INTEGER = re.compile(r"[+-]?\d{1,15}")
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{1,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?")


class Kind(StrEnum):
    TEXT = "text"
    LONG = "long"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ArgumentField:
    """One argument: its present value, what was typed for it, and how it is typed."""

    key: str
    kind: Kind
    typed: str
    before: str
    required: bool = False
    help: str = ""
    choices: tuple[str, ...] = ()
    error: str = ""

    @property
    def name(self) -> str:
        return PREFIX + self.key

    @property
    def changed(self) -> bool:
        return self.typed.replace("\r\n", "\n") != self.before.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class EditForm:
    """With a registered schema one field an argument, otherwise the arguments as one JSON text."""

    fields: tuple[ArgumentField, ...]
    whole: ArgumentField | None = None

    @property
    def errors(self) -> bool:
        candidates = (*self.fields, self.whole) if self.whole else self.fields
        return any(field.error for field in candidates if field)


def edit_form(
    arguments: dict[str, Any],
    schema: dict[str, Any] | None,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> EditForm:
    """`typed`: what came back from the browser; `errors`: by argument, "" is the whole."""
    typed, errors = typed or {}, errors or {}
    properties = (schema or {}).get("properties")
    if not isinstance(properties, dict) or not properties:
        return EditForm((), _whole(arguments, typed, errors))
    keys = [*properties, *(key for key in arguments if key not in properties)]
    required = set((schema or {}).get("required") or ())
    fields = tuple(
        _field(key, properties.get(key), arguments, key in required, typed, errors) for key in keys
    )
    return EditForm(fields)


def _whole(
    arguments: dict[str, Any], typed: Mapping[str, str], errors: Mapping[str, str]
) -> ArgumentField:
    before = pretty(arguments)
    error = "; ".join(f"{key}: {msg}" if key else msg for key, msg in errors.items())
    return ArgumentField(WHOLE, Kind.JSON, typed.get(WHOLE, before), before, True, error=error)


def _field(
    key: str,
    spec: object,
    arguments: dict[str, Any],
    required: bool,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
) -> ArgumentField:
    spec = spec if isinstance(spec, dict) else {}
    kind, choices = _kind(spec, arguments.get(key))
    before = as_typed(arguments[key], kind) if key in arguments else ""
    return ArgumentField(
        key=key,
        kind=kind,
        typed=typed.get(PREFIX + key, before),
        before=before,
        required=required,
        help=str(spec.get("description", "")),
        choices=choices,
        error=errors.get(key, ""),
    )


def _kind(spec: dict[str, Any], value: object) -> tuple[Kind, tuple[str, ...]]:
    """A value that is not of the schema's type is edited as JSON, so that nothing is bent.

    So is a text with characters that nobody sees: as JSON they are escapes.
    """
    if isinstance(value, str) and hidden_count(value):
        return Kind.JSON, ()
    options = spec.get("enum")
    texts = isinstance(options, list) and all(isinstance(option, str) for option in options)
    if texts and isinstance(value, str | None):
        return Kind.CHOICE, tuple(options or ())
    match spec.get("type"):
        case "string" if isinstance(value, str | None):
            long = "\n" in (value or "") or len(value or "") > 80 or spec.get("maxLength", 0) > 200
            return (Kind.LONG if long else Kind.TEXT), ()
        case "integer" if value is None or (isinstance(value, int) and value is not True):
            return Kind.INTEGER, ()
        case "number" if value is None or (isinstance(value, int | float)):
            return Kind.NUMBER, ()
        case "boolean" if isinstance(value, bool | None):
            return Kind.BOOLEAN, ()
    return Kind.JSON, ()


def pretty(value: object) -> str:
    """JSON to read and edit; characters that nobody would see are escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(json.dumps(c)[1:-1] if hidden_count(c) else c for c in text)


def as_typed(value: object, kind: Kind) -> str:
    """A value as it stands in its field."""
    if kind in (Kind.TEXT, Kind.LONG, Kind.CHOICE):
        return "" if value is None else str(value)
    return pretty(value)


class NotReadable(ValueError):
    """What was typed is not of its type; `errors` by argument."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(str(errors))
        self.errors = errors


def read_edit(
    arguments: dict[str, Any], schema: dict[str, Any] | None, typed: Mapping[str, str]
) -> dict[str, Any]:
    """The edited arguments. Fields that did not come keep their value. Raises NotReadable."""
    form = edit_form(arguments, schema, typed)
    if form.whole is not None:
        return _read_whole(form.whole.typed)
    edited: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in form.fields:
        if not field.changed:
            if field.key in arguments:
                edited[field.key] = arguments[field.key]
            continue
        if field.typed == "" and not field.required and field.kind is not Kind.TEXT:
            continue
        try:
            edited[field.key] = _read(field)
        except ValueError as error:
            errors[field.key] = str(error)
    if errors:
        raise NotReadable(errors)
    return edited


def _read_whole(text: str) -> dict[str, Any]:
    try:
        value = _read_json(text)
    except ValueError as error:
        raise NotReadable({"": str(error)}) from None
    if not isinstance(value, dict):
        raise NotReadable({"": "must be a JSON object: { ... }"})
    return value


def _read(field: ArgumentField) -> object:
    typed = field.typed
    match field.kind:
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
    return _read_json(typed)


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("must be a whole number")
    return int(text)


def _read_number(text: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number such as 12.5")
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be yes or no")
    return text == "true"


def _read_json(text: str) -> object:
    try:
        return loads(text.encode())
    except StrictJSONError as error:
        raise ValueError(error.msg) from None
