"""From bytes to validated values, the same way at every door. What is wrong becomes a Problem."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from approvals.api.bodies import (
    ACTION_TYPE_PATTERN,
    CLAIM_ID_PATTERN,
    IDEMPOTENCY_KEY_PATTERN,
    MONEY_PATTERN,
    SOMETHING_PATTERN,
    TIME_PATTERN,
    TRACEPARENT_PATTERN,
    URL_PATTERN,
)
from hitlconsole.lib.jsonvalues import shown_key
from hitlconsole.lib.problems import FieldError, Problem
from hitlconsole.lib.strictjson import MAX_BYTES, StrictJSONError, loads

M = TypeVar("M", bound=BaseModel)

MAX_ERRORS = 20
# Django's own limit is settings.DATA_UPLOAD_MAX_NUMBER_FIELDS.
MAX_QUERY_FIELDS = 500

# What the strict parser found -> the code of the problem.
FLAW_CODES = {
    "too_large": "body_too_large",
    "not_utf8": "malformed_json",
    "malformed": "malformed_json",
    "too_deep": "too_deep",
    "duplicate_key": "duplicate_key",
    "not_finite": "number_out_of_range",
    "integer_range": "number_out_of_range",
    "nul_character": "invalid_text",
    "lone_surrogate": "invalid_text",
}

PATTERN_WORDS = {
    ACTION_TYPE_PATTERN: "must be a name in lower case such as refund.create",
    MONEY_PATTERN: 'must be an amount as a decimal string with at most two decimals, like "420.00"',
    TIME_PATTERN: "must be an RFC 3339 time with its offset, like 2026-01-31T12:00:00Z",
    TRACEPARENT_PATTERN: "must be a W3C traceparent: version-traceid-parentid-flags",
    URL_PATTERN: "must be an http or https URL",
    SOMETHING_PATTERN: "must not be blank",
    CLAIM_ID_PATTERN: "must be 1 to 100 printable ASCII characters without spaces",
    IDEMPOTENCY_KEY_PATTERN: "must be 1 to 255 printable ASCII characters",
}
WORDS = {
    "missing": "is required",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of ordinary size",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a list",
    "literal_error": "must be one of {expected}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "value_error": "{error}",
}
NO_DELEGATION = "must be null: delegation is not available in this version"

_IDEMPOTENCY_KEY = re.compile(IDEMPOTENCY_KEY_PATTERN)


def refuse_media_type(content_type: str | None) -> None:
    """Raises unsupported_media_type. UTF-8 is the only charset of JSON."""
    essence, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    named = [parameter for parameter in parameters if parameter.startswith("charset=")]
    if essence != "application/json" or any(
        name.removeprefix("charset=").strip('"') != "utf-8" for name in named
    ):
        raise Problem("unsupported_media_type", "Send the header Content-Type: application/json.")


def parse_object(raw: bytes, content_type: str | None) -> dict[str, Any]:
    """The JSON object of a body. Raises a Problem that says what is wrong with it."""
    if not raw:
        raise empty_body()
    refuse_media_type(content_type)
    try:
        value = loads(raw)
    except StrictJSONError as error:
        flaw = FieldError(tuple(error.loc), error.msg)
        if error.code == "too_large":
            raise body_too_large() from None
        raise Problem(FLAW_CODES[error.code], _sentence(error.msg), errors=(flaw,)) from None
    if not isinstance(value, dict):
        raise Problem("invalid_request", errors=(FieldError((), "must be an object"),))
    return value


def parse_query(raw: bytes) -> dict[str, str]:
    """As Django reads a query string: the last of equal names counts. Raises invalid_request."""
    try:
        pairs = parse_qsl(
            raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS
        )
    except ValueError:
        raise too_many_fields() from None
    return dict(pairs)


def refuse_unknown_parameters(sent: Iterable[str], known: Collection[str]) -> None:
    """Raises invalid_request, which names at most 20 of those that the call does not take."""
    unknown = [name for name in sent if name not in known]
    if unknown:
        errors = [
            FieldError((shown_key(name),), _unknown(name, "parameter", sorted(known)))
            for name in unknown[:MAX_ERRORS]
        ]
        raise Problem("invalid_request", errors=errors)


def too_many_fields() -> Problem:
    words = f"must have at most {MAX_QUERY_FIELDS} parameters"
    return Problem("invalid_request", errors=(FieldError((), words),))


def empty_body() -> Problem:
    return Problem("malformed_json", "The body is empty: send a JSON object.")


def body_too_large() -> Problem:
    return Problem("body_too_large", f"A body has at most {MAX_BYTES} bytes.")


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def validated(model: type[M], value: object) -> M:
    """Raises invalid_request, with every wrong field in plain words."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        fields = set(model.model_fields)
        raise Problem("invalid_request", errors=field_errors(details, fields)) from None


def field_errors(
    errors: Sequence[Mapping[str, Any]], fields: Iterable[str] = ()
) -> list[FieldError]:
    """pydantic's errors, at most 20 of them, in words that say what would be right."""
    known = sorted(fields)
    return [
        FieldError(tuple(map(_place, error["loc"])), _words(error, known))
        for error in errors[:MAX_ERRORS]
    ]


def _place(place: str | int) -> str | int:
    return place if isinstance(place, int) else shown_key(place)


def _words(error: Mapping[str, Any], known: Sequence[str]) -> str:
    kind, context = error["type"], {k: _plain(v) for k, v in error.get("ctx", {}).items()}
    if kind == "extra_forbidden":
        loc = error["loc"]
        return _unknown(str(loc[-1]), "field", known if len(loc) == 1 else ())
    if kind == "string_pattern_mismatch":
        return PATTERN_WORDS.get(str(context["pattern"]), f"must match {context['pattern']}")
    if kind == "none_required":
        return NO_DELEGATION
    if kind in WORDS:
        return WORDS[kind].format(**context)
    return str(error["msg"])


def _plain(value: object) -> object:
    """A limit as people write it: 1, not 1.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unknown(name: str, what: str, known: Sequence[str]) -> str:
    words = f"is not a {what} here"
    near = difflib.get_close_matches(name[:64], known, n=1)
    return f"{words}; did you mean {near[0]}?" if near else words


def idempotency_key(header: str | None) -> str | None:
    """Raises invalid_header."""
    if header is not None and _IDEMPOTENCY_KEY.fullmatch(header) is None:
        words = PATTERN_WORDS[IDEMPOTENCY_KEY_PATTERN]
        raise Problem("invalid_header", f"The header Idempotency-Key {words}.")
    return header
