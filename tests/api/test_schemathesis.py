"""Generated calls, right and wrong, against the whole API: never a 5xx, never an answer that the
document does not declare.
"""

import json
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from approvals.api.openapi import openapi_document
from approvals.vocabulary import Verdict
from tests.api.client import Client
from tests.api.conftest import SUBMISSION, World
from tests.api.test_calls import decide


@pytest.fixture
def committed_db(committed_db_of_module: str) -> str:
    """Many small tests, each with an agent of its own."""
    return committed_db_of_module


def without_keys(document: dict[str, Any]) -> dict[str, Any]:
    """The client sends the key; calls without one have their own tests."""
    plain: dict[str, Any] = json.loads(json.dumps(document))
    for path in plain["paths"].values():
        for operation in path.values():
            del operation["security"]
    return plain


SCHEMA = schemathesis.openapi.from_dict(without_keys(openapi_document()))
OPERATIONS = {
    result.ok().definition.raw["operationId"]: result.ok() for result in SCHEMA.get_all_operations()
}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The items of a batch are refused one by one, inside an answer of 200.
CHECKED_ONE_BY_ONE = {"submitBatch"}


@pytest.fixture
def known_ids(api: Client, world: World) -> list[str]:
    """Requests in several states, so that generated calls find something."""
    pending, asked, approved, rejected = (
        api.post("/requests", SUBMISSION).json()["id"] for _ in range(4)
    )
    decide(asked, world, Verdict.ASK, notes="Why?")
    decide(approved, world, Verdict.APPROVE)
    decide(rejected, world, Verdict.REJECT, notes="No.")
    return [pending, asked, approved, rejected]


def send(client: Client, case: Case) -> httpx.Response:
    options = case.as_transport_kwargs(base_url="http://localhost")
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in options["headers"].items()]
    return client.call(
        options["method"],
        options["url"].removeprefix("http://localhost/api/v1"),
        headers=headers,
        params=options.get("params"),
        **({"json": options["json"]} if "json" in options else {"content": options.get("data")}),
    )


def aim(case: Case, ids: list[str], numbers: Any) -> None:
    """At known requests where the generated id is well-formed, and without waiting for long."""
    asked = (case.path_parameters or {}).get("request_id")
    try:
        UUID(str(asked))
    except ValueError:
        pass
    else:
        case.path_parameters["request_id"] = ids[next(numbers) % len(ids)]
    if case.query and case.query.get("wait") in range(1, 61):
        case.query["wait"] = 0


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_generated_calls(
    api: Client, world: World, known_ids: list[str], operation_id: str, mode: GenerationMode
) -> None:
    operation = OPERATIONS[operation_id]
    if mode is GenerationMode.NEGATIVE and not _has_something_to_get_wrong(operation):
        pytest.skip("the call takes nothing")
    client = api.with_key(world.service_key if operation_id == "decideRequest" else world.key)
    refusing = [] if operation_id in CHECKED_ONE_BY_ONE else [negative_data_rejection]
    numbers = count()

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def generated(case: Case) -> None:
        aim(case, known_ids, numbers)
        case.validate_response(send(client, case), checks=CHECKS + refusing)

    generated()


def _has_something_to_get_wrong(operation: Any) -> bool:
    raw = operation.definition.raw
    return bool(raw.get("parameters") or raw.get("requestBody"))
