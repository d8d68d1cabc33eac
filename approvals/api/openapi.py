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
JSON in UTF-8 of at most 256 KiB and 32 levels. Unknown fields and repeated keys are refused.
Errors are `application/problem+json` with a stable `code`.\
"""
REFS = "#/components/schemas/{model}"
# Problems that any call can meet, and those of calls with a body.
ALWAYS = (401, 403, 405, 500, 503)
WITH_BODY = (400, 413, 415, 422)
SPECIAL: dict[str, tuple[int, ...]] = {
    "submitRequest": (409, 423),
    "evaluate": (423,),
    "getRequest": (404, 422),
    "listRequests": (422,),
    "cancelRequest": (404, 409),
    "postMessage": (404, 409),
    "claimExecution": (404, 409, 423),
    "reportOutcome": (404, 409),
    "decideRequest": (404, 409, 423),
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
    statuses = {*ALWAYS, *SPECIAL.get(operation["operationId"], ())}
    if "requestBody" in operation:
        statuses |= {*WITH_BODY}
    responses = operation["responses"]
    for status, response in responses.items():
        response["description"] = ANSWERS.get(status, "The answer.")
    for status in sorted(statuses):
        responses[status] = _problem_response(status)
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


def _problem_response(status: int) -> dict[str, Any]:
    codes = [code for code, (of_status, _) in CATALOGUE.items() if of_status == status]
    return {
        "description": "A problem: " + ", ".join(f"`{code}`" for code in codes),
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
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
