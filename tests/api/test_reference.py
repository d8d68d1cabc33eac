"""The OpenAPI document and the pages made from it."""

from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from approvals.api import bodies, pages
from approvals.api.openapi import OWN, openapi_document
from approvals.api.reading import PATTERN_WORDS, WORDS, validated
from hitlconsole.lib.problems import CATALOGUE
from tests.api.conftest import SUBMISSION


def test_the_document_lists_every_call(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")
    document = answer.json()
    assert answer["content-type"] == "application/json"
    assert document["openapi"] == "3.1.0"
    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert calls == {
        "POST /requests": "submitRequest",
        "GET /requests": "listRequests",
        "GET /requests/{request_id}": "getRequest",
        "POST /requests/batch": "submitBatch",
        "POST /requests/{request_id}/cancel": "cancelRequest",
        "POST /requests/{request_id}/messages": "postMessage",
        "POST /requests/{request_id}/execution": "claimExecution",
        "POST /requests/{request_id}/outcome": "reportOutcome",
        "POST /requests/{request_id}/decision": "decideRequest",
        "POST /evaluate": "evaluate",
        "GET /agents/me": "getAgent",
    }
    assert set(OWN) == set(calls.values())


def test_its_schemas_are_schemas_and_complete() -> None:
    document = openapi_document()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) == names


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in references(value)]
    return []


def test_every_code_of_the_catalogue_that_a_call_can_give_is_declared() -> None:
    declared = {
        code
        for operations in openapi_document()["paths"].values()
        for operation in operations.values()
        for response in operation["responses"].values()
        for media in response["content"].values()
        for part in media["schema"].get("allOf", ())
        for code in part.get("properties", {}).get("code", {}).get("enum", ())
    }
    of_the_console = {
        "not_waiting",
        "claimed_by_other",
        "console_only",
        "evidence_not_opened",
        "sign_in_too_old",
        "not_held",
    }
    assert set(CATALOGUE) - declared == of_the_console
    assert declared <= set(CATALOGUE)


def test_the_example_is_taken() -> None:
    (example,) = openapi_document()["components"]["schemas"]["SubmissionIn"]["examples"]
    assert validated(bodies.SubmissionIn, example).description == example["description"]
    assert validated(bodies.SubmissionIn, SUBMISSION).action.type == "refund.create"


@pytest.mark.django_db
def test_the_pages(client: Client) -> None:
    reference = client.get("/api/v1/docs").content.decode()
    for operation in OWN:
        assert f'<section class="call" id="{operation}"' in reference
    for name in ("SubmissionIn", "RequestOut", "ProblemOut"):
        assert f'<section class="call" id="{name}"' in reference
    assert "<code>proceed</code>" in reference
    problems = client.get("/api/v1/problems").content.decode()
    for code in CATALOGUE:
        assert f'<tr id="{code}">' in problems
    for page in (reference, problems):
        assert "<script>" not in page
        assert "style=" not in page
        assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "maxLength": 5}, "string (at most 5 characters)"),
        ({"type": "string", "format": "uuid"}, "uuid"),
        (
            {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
            "integer (at least 0) or null",
        ),
        ({"type": "array", "items": {"$ref": "#/x/Y"}, "maxItems": 3}, "list of Y (at most 3)"),
        ({"enum": ["a", "b"]}, "a | b"),
        ({"const": "a"}, "a"),
        ({"allOf": [{"$ref": "#/x/Y"}]}, "Y"),
        ({}, "any JSON"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert pages.type_in_words(schema) == words


def test_every_pattern_is_put_into_words() -> None:
    """A regular expression is no help to whoever wrote the wrong value."""
    patterns = set(patterns_of(openapi_document()["components"]["schemas"]))
    assert patterns - set(PATTERN_WORDS) == set()
    assert all(words[0].islower() or words[0] == "{" for words in WORDS.values())


def patterns_of(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
        return own + [pattern for value in node.values() for pattern in patterns_of(value)]
    if isinstance(node, list):
        return [pattern for value in node for pattern in patterns_of(value)]
    return []
