"""The reference of the API as pages, rendered here: nothing is fetched from elsewhere."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from approvals.api.openapi import openapi_document
from hitlconsole.lib.problems import CATALOGUE


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    required: bool
    description: SafeString


@dataclass(frozen=True, slots=True)
class Response:
    status: str
    description: SafeString
    model: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    id: str
    method: str
    path: str
    summary: str
    description: SafeString
    parameters: tuple[Field, ...]
    body: str
    responses: tuple[Response, ...]


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    description: SafeString
    fields: tuple[Field, ...]
    example: str


@require_safe
def openapi_json(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(openapi_document())


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    document = openapi_document()
    info = document["info"] | {"description": prose(document["info"]["description"])}
    context = {"info": info, "calls": _calls(document), "models": _models(document)}
    return render(request, "api/reference.html", context)


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    rows = [(code, status, title) for code, (status, title) in CATALOGUE.items()]
    return render(request, "api/problems.html", {"problems": rows})


def _calls(document: dict[str, Any]) -> list[Call]:
    return [
        _call(method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def _call(method: str, path: str, operation: dict[str, Any]) -> Call:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Call(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=prose(operation.get("description", "")),
        parameters=tuple(map(_parameter, operation["parameters"])),
        body=type_in_words(body["schema"]) if body else "",
        responses=tuple(
            _response(status, answer) for status, answer in operation["responses"].items()
        ),
    )


def _response(status: str, answer: dict[str, Any]) -> Response:
    (media,) = answer["content"].values()
    # A problem is an allOf: the shape of all problems, and the codes of this call.
    shape, *more = media["schema"].get("allOf", [media["schema"]])
    codes = more[0]["properties"]["code"]["enum"] if more else ()
    return Response(status, prose(answer["description"]), type_in_words(shape), tuple(codes))


def _parameter(parameter: dict[str, Any]) -> Field:
    where = {"path": "in the path", "query": "query", "header": "header"}[parameter["in"]]
    kind = f"{where}, {type_in_words(parameter['schema'])}"
    description = prose(parameter.get("description", ""))
    return Field(parameter["name"], kind, parameter["required"], description)


def _models(document: dict[str, Any]) -> list[Model]:
    return [
        _model(name, schema)
        for name, schema in sorted(document["components"]["schemas"].items())
        if "properties" in schema
    ]


def _model(name: str, schema: dict[str, Any]) -> Model:
    required = schema.get("required", [])
    fields = (
        Field(member, type_in_words(shape), member in required, prose(shape.get("description", "")))
        for member, shape in schema["properties"].items()
    )
    examples = schema.get("examples", [])
    example = json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else ""
    return Model(name, prose(schema.get("description", "")), tuple(fields), example)


def prose(text: str) -> SafeString:
    """Paragraphs, in which `this` is code."""
    paragraphs = (_inline(paragraph) for paragraph in text.split("\n\n") if paragraph.strip())
    return format_html_join("\n", "<p>{}</p>", ((one,) for one in paragraphs))


def _inline(text: str) -> SafeString:
    pieces = enumerate(text.split("`"))
    marked = (format_html("<code>{}</code>", one) if place % 2 else one for place, one in pieces)
    return format_html_join("", "{}", ((one,) for one in marked))


def type_in_words(schema: dict[str, Any]) -> str:
    """A schema as a short text: string (2 to 20 characters), list of X, A or null."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "allOf" in schema:
        return " and ".join(type_in_words(part) for part in schema["allOf"])
    if "anyOf" in schema:
        return " or ".join(type_in_words(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {type_in_words(schema.get('items', {}))}{_limits(schema)}"
    return f"{schema.get('format') or schema.get('type', 'any JSON')}{_limits(schema)}"


_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "pattern {}",
}


def _limits(schema: dict[str, Any]) -> str:
    words = [text.format(schema[name]) for name, text in _LIMITS.items() if name in schema]
    return f" ({', '.join(words)})" if words else ""
