"""Waiting for an answer, against a web process of its own."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

import httpx
import psycopg
import pytest
from django.db import connection, connections, transaction

from approvals.models import ApprovalRequest
from approvals.services.deadlines import run_due_step
from approvals.vocabulary import Channel, Verdict
from audit.events import SYSTEM
from hitlconsole.accounts.models import ApiKey
from hitlconsole.accounts.services import revoke_key
from hitlconsole.lib.units import unit_of_work
from tests.api.client import Client, check_response
from tests.api.conftest import SUBMISSION, World
from tests.api.server import Server, serve
from tests.api.test_calls import decide
from tests.factories import SOFT, submit

P = ParamSpec("P")
T = TypeVar("T")


@pytest.fixture
def server(committed_db: str, world: World) -> Iterator[Server]:
    with serve(committed_db) as running:
        yield running


@pytest.fixture
def http(server: Server, world: World) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {world.key}"}
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=30) as client:
        yield client


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.to_thread(unit_of_work(work), *args, **kwargs)


class Waiter:
    """One raw connection that waits; a thread-free way to have hundreds."""

    def __init__(self, server: Server, key: str) -> None:
        self._server, self._key = server, key

    async def ask(self, request_id: object, wait: int, revision: int = 1) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        path = f"/api/v1/requests/{request_id}?wait={wait}&revision={revision}"
        head = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n\r\n"
        )
        self._writer.write(head.encode())
        await self._writer.drain()

    async def answer(self) -> dict[str, Any]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body: dict[str, Any] = json.loads(await self._reader.readexactly(length))
        self.leave()
        return body

    async def status_line(self) -> bytes:
        line = await self._reader.readuntil(b"\r\n")
        self.leave()
        return line

    def leave(self) -> None:
        self._writer.close()


def database_connections(database: str) -> int:
    """Those of the web process, seen by the owner of the tables."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    with connections["owner"].cursor() as cursor:
        cursor.execute(query, [database])
        return int(cursor.fetchone()[0])


def test_a_decision_wakes_who_waits(server: Server, world: World) -> None:
    async def scene() -> tuple[dict[str, Any], float]:
        request = await in_thread(submit, world.key)
        waiter = Waiter(server, world.key)
        await waiter.ask(request.id, wait=20)
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await in_thread(decide, str(request.id), world, Verdict.APPROVE)
        return await waiter.answer(), time.monotonic() - began

    answer, took = asyncio.run(scene())
    assert (answer["status"], answer["proceed"], answer["revision"]) == ("approved", True, 2)
    assert took < 1


def test_a_question_wakes_too(http: httpx.Client, world: World, server: Server) -> None:
    async def scene() -> dict[str, Any]:
        request = await in_thread(submit, world.key)
        waiter = Waiter(server, world.key)
        await waiter.ask(request.id, wait=20)
        await asyncio.sleep(0.3)
        await in_thread(decide, str(request.id), world, Verdict.ASK, notes="Why?")
        return await waiter.answer()

    assert asyncio.run(scene())["status"] == "needs_info"


def test_the_wait_ends(http: httpx.Client, world: World) -> None:
    request = submit(world.key)
    began = time.monotonic()
    answer = http.get(f"/requests/{request.id}", params={"wait": 1, "revision": 1})
    took = time.monotonic() - began
    check_response(answer)
    assert (answer.json()["status"], answer.json()["revision"]) == ("pending", 1)
    assert 1 <= took < 1.8


def test_what_is_known_to_be_old_is_answered_at_once(http: httpx.Client, world: World) -> None:
    request = submit(world.key)
    decide(str(request.id), world, Verdict.ASK, notes="Why?")
    began = time.monotonic()
    answer = http.get(f"/requests/{request.id}", params={"wait": 20, "revision": 1})
    assert answer.json()["revision"] == 2
    decide(str(request.id), world, Verdict.TAKE_OVER, notes="Mine.")
    closed = http.get(f"/requests/{request.id}", params={"wait": 20})
    assert closed.json()["status"] == "taken_over"
    assert time.monotonic() - began < 2


def test_a_deadline_wakes_who_waits(http: httpx.Client, world: World) -> None:
    """Nothing else runs: the waiter itself does the due step."""
    request = submit(world.key, facts=SOFT)
    soon = request.created_at + timedelta(seconds=1.5)
    ApprovalRequest.objects.filter(pk=request.pk).update(deadline=soon)
    began = time.monotonic()
    answer = http.get(f"/requests/{request.id}", params={"wait": 20, "revision": 1}).json()
    assert (answer["status"], answer["level"], answer["reason"]) == (
        "escalated",
        "HARD_APPROVAL",
        "no_notice",
    )
    assert time.monotonic() - began < 4


def test_a_key_revoked_while_it_waits(server: Server, world: World) -> None:
    async def scene() -> bytes:
        request = await in_thread(submit, world.key)
        waiter = Waiter(server, world.key)
        await waiter.ask(request.id, wait=20)
        await asyncio.sleep(0.3)
        await in_thread(lambda: revoke_key(ApiKey.objects.get(agent=world.agent), by=SYSTEM))
        await in_thread(decide, str(request.id), world, Verdict.APPROVE)
        return await waiter.status_line()

    assert asyncio.run(scene()) == b"HTTP/1.1 401 Unauthorized\r\n"


def test_hundreds_cost_neither_threads_nor_database_connections(
    server: Server, http: httpx.Client, world: World, committed_db: str
) -> None:
    async def scene() -> tuple[int, int, int, int]:
        request = await in_thread(submit, world.key)
        others = [await in_thread(submit, world.key) for _ in range(3)]
        await in_thread(http.get, f"/requests/{request.id}")
        waiters = [Waiter(server, world.key) for _ in range(200)]
        for place, waiter in enumerate(waiters):
            await waiter.ask([request, *others][place % 4].id, wait=30)
        await asyncio.sleep(2)
        threads = server.threads()
        used = await in_thread(database_connections, committed_db)
        for leaving in waiters[4:104]:
            leaving.leave()
        for one in (request, *others):
            await in_thread(decide, str(one.id), world, Verdict.APPROVE)
        answers = await asyncio.gather(*(w.answer() for w in waiters[:4] + waiters[104:]))
        return threads, used, len(answers), sum(a["proceed"] for a in answers)

    threads, used, answered, approved = asyncio.run(scene())
    assert (answered, approved) == (100, 100)
    assert threads < 25
    assert used < 15


def test_stopping_answers_whoever_waits(server: Server, world: World) -> None:
    async def scene() -> tuple[list[dict[str, Any]], float]:
        request = await in_thread(submit, world.key)
        waiters = [Waiter(server, world.key) for _ in range(50)]
        for waiter in waiters:
            await waiter.ask(request.id, wait=60)
        await asyncio.sleep(1)
        took = await asyncio.to_thread(server.stop)
        return await asyncio.gather(*(waiter.answer() for waiter in waiters)), took

    answers, took = asyncio.run(scene())
    assert {answer["status"] for answer in answers} == {"pending"}
    assert took < 2


def test_the_wakener_comes_back(server: Server, world: World, committed_db: str) -> None:
    """A broken connection loses no change: all who wait look again when it is back."""

    async def scene() -> dict[str, Any]:
        request = await in_thread(submit, world.key)
        waiter = Waiter(server, world.key)
        await waiter.ask(request.id, wait=20)
        await asyncio.sleep(0.5)
        assert await in_thread(_end_listeners, committed_db) == 1
        await in_thread(decide, str(request.id), world, Verdict.APPROVE)
        return await waiter.answer()

    began = time.monotonic()
    assert asyncio.run(scene())["status"] == "approved"
    assert time.monotonic() - began < 5


def _end_listeners(database: str) -> int:
    """As the application's own role, which may end its own connections."""
    config = connections["default"].settings_dict
    with psycopg.connect(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        password=config["PASSWORD"],
        dbname=database,
    ) as own:
        return own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'hitl-listen' AND datname = %s",
            [database],
        ).rowcount


def test_a_plain_look_past_the_deadline_does_the_due_step(
    door: Client, world: World, advance_clock: Callable[..., None]
) -> None:
    request = submit(world.key, facts=SOFT)
    advance_clock(seconds=301)
    answer = door.get(f"/requests/{request.id}").json()
    assert (answer["status"], answer["reason"], answer["revision"]) == (
        "escalated",
        "no_notice",
        2,
    )


def test_a_plain_look_sees_the_due_step_that_another_transaction_does(
    door: Client, world: World, advance_clock: Callable[..., None]
) -> None:
    request = submit(world.key, facts=SOFT)
    advance_clock(seconds=301)
    with ThreadPoolExecutor(1) as asking:
        with transaction.atomic():
            assert run_due_step(request.id, channel=Channel.SWEEP)
            answer = asking.submit(door.get, f"/requests/{request.id}")
            _wait_until_somebody_waits_for_us()
        seen = answer.result(timeout=20).json()
    assert (seen["status"], seen["revision"]) == ("escalated", 2)


def _wait_until_somebody_waits_for_us() -> None:
    blocked = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute(blocked)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.05)
    raise AssertionError("nobody waits for this transaction")


def test_a_plain_look_sees_that_an_approval_has_lapsed(
    door: Client, world: World, advance_clock: Callable[..., None]
) -> None:
    request_id = door.post("/requests", SUBMISSION).json()["id"]
    decide(request_id, world, Verdict.APPROVE)
    assert door.get(f"/requests/{request_id}").json()["proceed"] is True
    advance_clock(seconds=15 * 60)
    answer = door.get(f"/requests/{request_id}").json()
    assert (answer["status"], answer["proceed"], answer["execution"]) == (
        "approved",
        False,
        "lapsed",
    )


def test_both_doors_wait(door: Client, world: World) -> None:
    request = submit(world.key)
    began = time.monotonic()
    answer = door.get(f"/requests/{request.id}", params={"wait": 1})
    assert (answer.json()["revision"], time.monotonic() - began >= 1) == (1, True)


def test_both_doors_are_woken(door: Client, world: World) -> None:
    request = submit(world.key)
    deciding = threading.Timer(0.5, unit_of_work(decide), (str(request.id), world, Verdict.APPROVE))
    began = time.monotonic()
    deciding.start()
    answer = door.get(f"/requests/{request.id}", params={"wait": 20})
    deciding.join()
    assert (answer.json()["proceed"], time.monotonic() - began < 3) == (True, True)


def expire_but_for_the_step(api: Client, advance_clock: Callable[..., None]) -> str:
    """A request whose last deadline has passed, and nobody has noticed yet."""
    request_id: str = api.post("/requests", SUBMISSION).json()["id"]
    advance_clock(days=1)
    assert api.get(f"/requests/{request_id}").json()["status"] == "escalated"
    advance_clock(days=1)
    return request_id


def test_a_message_after_the_last_deadline_finds_the_request_expired(
    api: Client, advance_clock: Callable[..., None]
) -> None:
    """The refusal does not undo the step that it is about."""
    request_id = expire_but_for_the_step(api, advance_clock)
    refused = api.post(f"/requests/{request_id}/messages", {"text": "Too late"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_closed")
    stored = ApprovalRequest.objects.get(pk=request_id)
    assert (stored.status, stored.resolution) == ("expired", "exhausted")
    assert refused.json()["request"] == api.get(f"/requests/{request_id}").json()


def test_what_is_still_open_after_the_last_deadline_can_be_withdrawn(
    api: Client, advance_clock: Callable[..., None]
) -> None:
    request_id = expire_but_for_the_step(api, advance_clock)
    withdrawn = api.post(f"/requests/{request_id}/cancel", {"reason": "No need"})
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "cancelled")
