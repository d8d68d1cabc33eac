"""The agents' client against a real server that says what the test wants it to say."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from approvals.agent_client import AgentClient, ApiProblem, ConsoleUnreachable

PENDING = {"id": "r1", "status": "pending"}


@dataclass
class Script:
    """Answers in order, the last one again and again; what was asked is kept.

    None: the connection is closed without an answer.
    """

    answers: list[tuple[int, dict[str, str], Any] | None]
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def next(self) -> tuple[int, dict[str, str], Any] | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def serve() -> Iterator[Callable[[Script], str]]:
    servers: list[ThreadingHTTPServer] = []

    def start(script: Script) -> str:
        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                key = self.headers.get("Idempotency-Key")
                script.asked.append((self.command, self.path, key))
                answer = script.next()
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, body = answer
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(raw))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = _answer  # noqa: N815 - http.server asks for these names

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


async def test_an_outage_is_sat_out_with_the_same_key(serve: Callable[[Script], str]) -> None:
    refused = (503, {"Retry-After": "0"}, {"code": "unavailable"})
    replayed = (202, {"Idempotent-Replayed": "true"}, PENDING)
    script, heard = Script([None, refused, replayed]), list[str]()
    async with AgentClient(serve(script), "hitl_key", on_outage=heard.append) as client:
        answer = await client.submit({}, idempotency_key="k1")

    assert (answer.status, answer.replayed, answer.body) == (202, True, PENDING)
    assert script.asked == [("POST", "/api/v1/requests", "k1")] * 3
    assert len(heard) == 1


async def test_patience_ends(serve: Callable[[Script], str]) -> None:
    script = Script([(500, {}, b"<html>")])
    async with AgentClient(serve(script), "hitl_key", patience=0.1) as client:
        with pytest.raises(ConsoleUnreachable, match=r"^GET /agents/me: HTTP 500$"):
            await client.me()


async def test_a_problem_says_where_it_is(serve: Callable[[Script], str]) -> None:
    errors = [{"loc": ["risk", "cost_usd"], "msg": "must be a decimal string"}]
    script = Script([(422, {}, {"code": "invalid_request", "detail": "no", "errors": errors})])
    async with AgentClient(serve(script), "hitl_key") as client:
        with pytest.raises(ApiProblem) as refusal:
            await client.submit({}, idempotency_key="k1")

    assert refusal.value.words == "invalid_request: risk.cost_usd: must be a decimal string"
    assert len(script.asked) == 1


async def test_a_refusal_that_is_no_json_is_a_problem_too(serve: Callable[[Script], str]) -> None:
    script = Script([(404, {}, b"Not here")])
    async with AgentClient(serve(script), "hitl_key") as client:
        with pytest.raises(ApiProblem, match=r"^http_404: Not here$"):
            await client.me()


async def test_a_list_is_read_to_its_end(serve: Callable[[Script], str]) -> None:
    first = {"items": [{"id": "a"}], "next_cursor": "c 1"}
    last = {"items": [{"id": "b"}], "next_cursor": None}
    script = Script([(200, {}, first), (200, {}, last)])
    async with AgentClient(serve(script), "hitl_key") as client:
        assert await client.list(status="pending") == [{"id": "a"}, {"id": "b"}]

    assert [path for _, path, _ in script.asked] == [
        "/api/v1/requests?status=pending",
        "/api/v1/requests?status=pending&cursor=c+1",
    ]
