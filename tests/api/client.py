"""A client of the API whose every answer is held against the OpenAPI document."""

import asyncio
import json
import re
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from approvals.api.openapi import openapi_document
from hitlconsole.lib.problems import CONTENT_TYPE
from hitlconsole.lib.rawasgi import Application

T = TypeVar("T")
DOCUMENT = "urn:openapi"
# Answers to what is no call of the document: they are problems all the same.
OUTSIDE = {404, 405}


class LoopThread:
    """An event loop beside the test, so that tests can stay plain functions."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="test-loop")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def close(self) -> None:
        self.run(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Client:
    """Calls one door in process. `key` None sends no Authorization header."""

    def __init__(self, loop: LoopThread, app: Application, key: str | None = None) -> None:
        self._loop, self._app, self._key = loop, app, key

    def with_key(self, key: str | None) -> "Client":
        return Client(self._loop, self._app, key)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._loop.run(self._call(method, path, **options))
        check_response(response)
        return response

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return self.call("POST", path, **options)

    def post_raw(self, path: str, raw: bytes, **headers: str) -> httpx.Response:
        headers = {"Content-Type": "application/json"} | headers
        return self.call("POST", path, content=raw, headers=headers)

    async def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers, timeout=60
        ) as http:
            return await http.request(method, f"/api/v1{path}", **options)


def check_response(response: httpx.Response) -> None:
    """Status, content type and body are declared for this call."""
    request = response.request
    found = _operation(request.method, request.url.path)
    if found is None:
        if response.status_code in OUTSIDE:
            _check_body(response, CONTENT_TYPE, "#/components/schemas/ProblemOut")
        return
    pointer, operation = found
    status = str(response.status_code)
    declared = operation["responses"].get(status)
    assert declared is not None, f"undeclared status {status}: {response.text}"
    (content_type,) = declared["content"]
    steps = ("responses", status, "content", content_type.replace("/", "~1"), "schema")
    _check_body(response, content_type, "/".join((pointer, *steps)))
    _check_headers(response, declared)


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """(JSON pointer, operation) of the document."""
    for template, operations in openapi_document()["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[0-9a-f-]{36}", template)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            place = template.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
            return f"#/paths/{place}/{method.lower()}", operations[method.lower()]
    return None


def _check_headers(response: httpx.Response, declared: dict[str, Any]) -> None:
    for name, header in declared.get("headers", {}).items():
        if name in response.headers:
            Draft202012Validator(header["schema"]).validate(response.headers[name])


def _check_body(response: httpx.Response, content_type: str, reference: str) -> None:
    assert response.headers["content-type"] == content_type
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    validate(response.json(), reference)


def validate(body: Any, reference: str) -> None:
    # Through JSON, as a client in another language reads the document.
    document = json.loads(json.dumps(openapi_document()))
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
    validator = Draft202012Validator(
        {"$ref": DOCUMENT + reference}, registry=registry, format_checker=FormatChecker()
    )
    validator.validate(body)
