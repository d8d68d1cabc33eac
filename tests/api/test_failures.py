"""When something fails: callers learn as much as they need, and nothing hangs."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.db import OperationalError, connections

from approvals.api import lean, looking, submitting, views
from approvals.api.answers import problem_of
from approvals.api.grouping import MAX_QUEUE, Groups
from approvals.models import ApprovalRequest
from hitlconsole.asgi import WebProcess
from hitlconsole.lib.problems import Problem
from hitlconsole.lib.rawasgi import Message, read_body
from tests.api.client import Client, LoopThread
from tests.api.conftest import SUBMISSION, World
from tests.api.server import serve


def broken(*_args: Any, **_fields: Any) -> Any:
    raise ZeroDivisionError("the secret inside")


def unreachable(*_args: Any, **_fields: Any) -> Any:
    raise OperationalError("connection to server at 10.0.0.7 failed")


@pytest.fixture(params=[broken, unreachable])
def failure(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What every call needs fails in the same way."""
    monkeypatch.setattr(submitting, "submit_requests", request.param)
    monkeypatch.setattr(looking, "agent_request", request.param)
    monkeypatch.setattr(views, "describe_agent", request.param)
    return request.param


def test_callers_are_told_what_to_do(
    door: Client, failure: Any, caplog: pytest.LogCaptureFixture, nothing_stored: Any
) -> None:
    calls = [
        ("POST", "/requests", {"json": SUBMISSION}),
        ("GET", "/requests/01a2103d-2320-7142-8eb9-3834c1803c9b", {}),
        ("GET", "/requests/01a2103d-2320-7142-8eb9-3834c1803c9b", {"params": {"wait": 5}}),
        ("GET", "/agents/me", {}),
    ]
    with nothing_stored(), caplog.at_level(logging.WARNING):
        answers = [door.call(method, path, **options) for method, path, options in calls]
    if failure is broken:
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(500, "internal_error")] * 4
        assert caplog.text.count("ZeroDivisionError: the secret inside") == 4
    else:
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(503, "unavailable")] * 4
        assert [a.headers["retry-after"] for a in answers] == ["2"] * 4
    told = " ".join(answer.text for answer in answers)
    assert "secret" not in told
    assert "10.0.0.7" not in told
    assert "Traceback" not in told


def test_one_failing_group_is_no_ones_end(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(submitting, "submit_requests", broken)
        assert api.post("/requests", SUBMISSION).status_code == 500
    assert api.post("/requests", SUBMISSION).status_code == 202


@pytest.fixture
def poison(committed_db: str) -> dict[str, Any]:
    """A submission that the database does not take, for a reason that nobody foresaw."""
    owner = "owner" if "owner" in connections else "default"
    with connections[owner].cursor() as cursor:
        cursor.execute(
            "ALTER TABLE approvals_approvalrequest ADD CHECK (description <> 'poison') NOT VALID"
        )
    return SUBMISSION | {"description": "poison"}


def test_one_failing_submission_is_no_ones_end(
    api: Client, poison: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Of those that are stored together only the one that fails is told so."""
    bodies = [SUBMISSION] * 12 + [poison] + [SUBMISSION] * 12
    with ThreadPoolExecutor(len(bodies)) as callers:
        answers = list(callers.map(lambda body: api.post("/requests", body), bodies))
    assert [answer.status_code for answer in answers] == [202] * 12 + [500] + [202] * 12
    assert ApprovalRequest.objects.count() == 24
    assert caplog.text.count("an API call failed") == 1


def test_one_failing_question_of_a_batch_fails_alone(api: Client, poison: dict[str, Any]) -> None:
    batch = api.post("/requests/batch", {"requests": [SUBMISSION, poison, SUBMISSION]})
    items = batch.json()["items"]
    assert (batch.status_code, [item["status"] for item in items]) == (200, [202, 500, 202])
    assert items[1]["problem"]["code"] == "internal_error"
    assert ApprovalRequest.objects.count() == 2


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and never says a word, like a database that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("hangs", [False, True])
def test_without_a_database(world: World, silent_port: int, unused_port: int, hangs: bool) -> None:
    port = silent_port if hangs else unused_port
    url = f"postgres://hitl_app:a@127.0.0.1:{port}/hitl?connect_timeout=2"
    with serve("hitl", DATABASE_URL=url) as server:
        headers = {"Authorization": f"Bearer {world.key}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=40) as http:
            answers = [
                http.post("/api/v1/requests", json=SUBMISSION),
                http.get("/api/v1/requests/01a2103d-2320-7142-8eb9-3834c1803c9b?wait=30"),
                http.get("/readyz"),
                http.get("/healthz"),
            ]
    assert [answer.status_code for answer in answers] == [503, 503, 503, 200]
    assert {a.json()["code"] for a in answers[:2]} == {"unavailable"}
    assert answers[2].json() == {
        "status": "unavailable",
        "database": "unavailable",
        "redis": "ok",
    }


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_ready(committed_db: str, loop: LoopThread) -> None:
    async def ask(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=WebProcess())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.get(path)

    ready, alive = loop.run(ask("/readyz")), loop.run(ask("/healthz"))
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ok", "database": "ok", "redis": "ok"},
    )
    assert (alive.status_code, alive.text) == (200, "ok")


def test_a_long_body_is_not_read_to_its_end() -> None:
    pieces = iter([b"x" * 100_000] * 1000)
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    async def scene(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/v1/requests",
            "headers": list(headers),
            "query_string": b"",
        }
        await lean.LeanDoor(ASGIHandler())(scope, receive, send)
        return sent[0]

    announced = asyncio.run(scene((b"content-length", b"100000000")))
    assert (announced["status"], taken) == (413, 0)
    chunked = asyncio.run(scene((b"transfer-encoding", b"chunked")))
    assert (chunked["status"], taken) == (413, 3)


def test_a_caller_who_leaves_while_sending_gets_nothing(committed_db: str) -> None:
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"{", "more_body": True},
    ]

    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/requests", "headers": []}
    asyncio.run(lean.LeanDoor(ASGIHandler())(scope, receive, send))
    assert (sent, messages) == ([], [])


def test_a_body_in_pieces() -> None:
    pieces = iter([(b"ab", True), (b"", True), (b"cd", False)])

    async def receive() -> Message:
        body, more = next(pieces)
        return {"type": "http.request", "body": body, "more_body": more}

    assert asyncio.run(read_body({"headers": []}, receive, 4)) == b"abcd"


def test_a_full_queue_is_said_so() -> None:
    async def scene() -> list[Any]:
        groups: Groups[int, int] = Groups(lambda items: [item * 2 for item in items])
        try:
            return await asyncio.gather(
                *(groups.submit(n) for n in range(MAX_QUEUE + 2)), return_exceptions=True
            )
        finally:
            groups.stop()

    answers = asyncio.run(scene())
    assert answers[:MAX_QUEUE] == [n * 2 for n in range(MAX_QUEUE)]
    assert [problem_of(refused).code for refused in answers[MAX_QUEUE:]] == ["unavailable"] * 2


def test_groups_form_while_one_is_under_way() -> None:
    sizes: list[int] = []

    def store(items: Any) -> list[int]:
        sizes.append(len(items))
        return list(items)

    async def scene() -> list[int]:
        groups: Groups[int, int] = Groups(store)
        try:
            return list(await asyncio.gather(*(groups.submit(n) for n in range(200))))
        finally:
            groups.stop()

    assert asyncio.run(scene()) == list(range(200))
    assert sizes == [64, 64, 64, 8]


def test_what_its_caller_was_told_to_send_again_is_not_stored() -> None:
    stored: list[str] = []
    under_way = threading.Event()

    def store(items: Any) -> list[str]:
        under_way.wait(10)
        stored.extend(items)
        return list(items)

    async def scene() -> None:
        groups: Groups[str, str] = Groups(store)
        first = asyncio.create_task(groups.submit("first"))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await groups.submit("given up")
        under_way.set()
        assert [await first, await groups.submit("later")] == ["first", "later"]
        groups.stop()

    asyncio.run(scene())
    assert stored == ["first", "later"]


def test_unforeseen_problems_are_told_as_such() -> None:
    own = Problem("not_found")
    assert problem_of(own) is own
    assert problem_of(TimeoutError()).code == "unavailable"
    assert problem_of(KeyError("x")).code == "internal_error"
