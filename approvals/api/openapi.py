"""The OpenAPI document: what ninja declares, and what holds for every call."""

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from approvals.api import bodies, shapes
from approvals.api.app import PREFIX, api
from hitlconsole.lib.problems import CATALOGUE, CONTENT_TYPE

DESCRIPTION = """\
Agents ask here before they act. A policy decides how much oversight an action needs, people decide
where it says so, and `proceed` tells the agent whether it may go on.

Times are RFC 3339 in UTC with milliseconds, money is decimal strings, ids are UUIDs. Bodies are
JSON in UTF-8 of at most 256 KiB and 32 levels. Unknown fields and query parameters are refused,
and so are repeated keys.
Errors are `application/problem+json` with a stable `code`.\
"""
REFS = "#/components/schemas/{model}"
# The problems that a call can answer with, beside its own.
ALWAYS = (
    "missing_key",
    "invalid_key",
    "key_expired",
    "key_revoked",
    "wrong_scope",
    "agent_disabled",
    "method_not_allowed",
    "invalid_request",
    "internal_error",
    "unavailable",
)
WITH_BODY = (
    "malformed_json",
    "body_too_large",
    "unsupported_media_type",
    "duplicate_key",
    "too_deep",
    "number_out_of_range",
    "invalid_text",
)
OWN: dict[str, tuple[str, ...]] = {
    "submitRequest": ("invalid_header", "idempotency_conflict", "agent_read_only"),
    "submitBatch": (),
    "evaluate": ("agent_read_only",),
    "getRequest": ("not_found",),
    "listRequests": (),
    "getAgent": (),
    "cancelRequest": ("not_found", "already_closed"),
    "postMessage": ("invalid_header", "not_found", "already_closed", "idempotency_conflict"),
    "claimExecution": (
        "not_found",
        "not_approved",
        "already_executed",
        "approval_lapsed",
        "approval_revoked",
        "agent_read_only",
    ),
    "reportOutcome": ("not_found", "not_approved", "not_executed", "outcome_conflict"),
    "decideRequest": (
        "not_allowed",
        "not_found",
        "already_closed",
        "stale_revision",
        "waiting_for_answer",
        "decision_held",
        "no_tier_left",
        "takeover_conflict",
        "agent_read_only",
    ),
}


@cache
def openapi_document() -> dict[str, Any]:
    document: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=PREFIX))
    document["info"]["description"] = DESCRIPTION
    document["servers"] = [{"url": "/"}]
    schemas = document["components"]["schemas"]
    schemas |= _schemas()
    # Validated one by one, and therefore unknown to the model of the whole.
    schemas["BatchIn"]["properties"]["requests"]["items"] = {
        "$ref": REFS.format(model="BatchItemIn")
    }
    for query in ("WaitQuery", "ListQuery"):
        del schemas[query]  # their fields are parameters
    for path in document["paths"].values():
        for operation in path.values():
            _finish(operation)
    return document


def _schemas() -> dict[str, Any]:
    """Of what is used by reference alone."""
    models = [(bodies.BatchItemIn, "validation"), (shapes.ProblemOut, "serialization")]
    _, definitions = models_json_schema(models, ref_template=REFS)  # type: ignore[arg-type]
    return dict(definitions["$defs"])


def _finish(operation: dict[str, Any]) -> None:
    operation["parameters"] = [_parameter(one) for one in operation["parameters"]]
    codes = {*ALWAYS, *OWN[operation["operationId"]]}
    if "requestBody" in operation:
        codes |= {*WITH_BODY}
    responses = operation["responses"]
    for status, response in responses.items():
        response["description"] = ANSWERS[status]
    responses |= _problem_responses(codes)
    if operation["operationId"] in ("submitRequest", "postMessage"):
        _describe_headers(operation)
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not; null is no value of it."""
    schema = parameter["schema"]
    (schema,) = [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]
    if parameter["name"] == "Idempotency-Key":
        schema = {"type": "string", "pattern": bodies.IDEMPOTENCY_KEY_PATTERN}
    plain = {k: v for k, v in schema.items() if k not in ("title", "description")}
    return parameter | {"schema": plain}


ANSWERS = {200: "The answer.", 201: "Stored; this is final.", 202: "Stored; people are asked."}


def _problem_responses(codes: set[str]) -> dict[int, dict[str, Any]]:
    """By status, in the order of the catalogue."""
    by_status: dict[int, list[str]] = {}
    for code, (status, _) in CATALOGUE.items():
        if code in codes:
            by_status.setdefault(status, []).append(code)
    return {status: _problem_response(some) for status, some in by_status.items()}


def _problem_response(codes: list[str]) -> dict[str, Any]:
    only = {"properties": {"code": {"enum": codes}}}
    schema = {"allOf": [{"$ref": REFS.format(model="ProblemOut")}, only]}
    return {
        "description": "A problem: " + ", ".join(f"`{code}`" for code in codes),
        "content": {CONTENT_TYPE: {"schema": schema}},
    }


def _describe_headers(operation: dict[str, Any]) -> None:
    replayed = {
        "description": "Present and true where an earlier call had the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
    }
    location = {"description": "Where the request is.", "schema": {"type": "string"}}
    for status in (201, 202):
        if status in operation["responses"]:
            headers = {"Idempotent-Replayed": replayed}
            if operation["operationId"] == "submitRequest":
                headers["Location"] = location
            operation["responses"][status]["headers"] = headers
