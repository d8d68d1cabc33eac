"""A receiver that speaks real HTTP. Whatever arrives without being expected fails the test."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.peers.inbox import Inbox

PATIENCE = 20.0


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body[:300]!r}"


@dataclass
class Reply:
    """What the peer answers: after `delay` seconds; status 0 drops the connection."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


class HTTPPeer:
    """Start it with `with`; at the end everything expected has come, and nothing else.

    `replies` are used up first, one by one; then `answer` says what to reply, or it is a plain
    200. `inbox.hold()` keeps answers back.
    """

    def __init__(self) -> None:
        self.inbox: Inbox[Received] = Inbox(str)
        self.replies: list[Reply] = []
        self.answer: Callable[[Received], Reply] | None = None
        self.port = 0
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[Received]:
        return self.inbox.received

    def expect(
        self,
        matches: Callable[[Received], bool] = lambda _: True,
        words: str = "a message",
        *,
        at_least: int = 1,
        at_most: int = 1,
    ) -> None:
        self.inbox.expect(matches, words, at_least=at_least, at_most=at_most)

    def start(self) -> None:
        """On the port it had before, if it had one."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.peer = self
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """From now on connections are refused, and those that wait for an answer are dropped."""
        if self._server is not None:
            self._server.stopped.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, received: Received) -> tuple[Reply, bool]:
        """The reply, and whether it is to be held back."""
        held = self.inbox.take(received)
        with suppress(IndexError):
            return self.replies.pop(0), held
        return (self.answer(received) if self.answer else Reply()), held

    def wait_for(self, count: int, timeout: float = PATIENCE) -> list[Received]:
        """The messages, once there are that many."""
        return self.inbox.wait_for(count, timeout)

    def check(self) -> None:
        self.inbox.check()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            self.check()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    peer: HTTPPeer

    def __init__(self, *arguments: Any) -> None:
        self.stopped = threading.Event()
        super().__init__(*arguments)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            # Who sent it died on the way: half a message is none.
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply, held = self.server.peer.take(Received(self.path, headers, body, self.command))
        if reply.status and self._may_answer(reply.delay, held=held):
            # Who asked may have died meanwhile.
            with suppress(ConnectionError):
                self._answer(reply)
        else:
            self.close_connection = True

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

    def _may_answer(self, delay: float, *, held: bool) -> bool:
        stopped, inbox = self.server.stopped, self.server.peer.inbox
        while held and not stopped.is_set() and not inbox.may_answer(0.02):
            pass
        return not stopped.wait(delay)

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are no output of a test."""
