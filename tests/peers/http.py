"""A receiver that speaks real HTTP. Whatever arrives without being expected fails the test."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What the peer answers: after `delay` seconds; status 0 drops the connection."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class _Expectation:
    matches: Callable[[Received], bool]
    words: str
    at_least: int
    at_most: int
    seen: int = 0


class HTTPPeer:
    """Start it with `with`; at the end everything expected has come, and nothing else."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.replies: list[Reply] = []
        self.answer: Callable[[Received], Reply] | None = None
        self._unexpected: list[Received] = []
        self._expectations: list[_Expectation] = []
        self._lock = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def expect(
        self,
        matches: Callable[[Received], bool] = lambda _: True,
        words: str = "a message",
        *,
        at_least: int = 1,
        at_most: int = 1,
    ) -> None:
        self._expectations.append(_Expectation(matches, words, at_least, at_most))

    def start(self) -> None:
        """On the port it had before, if it had one."""
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = peer._take(Received(self.path, headers, body))
                time.sleep(reply.delay)
                if reply.status == 0:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Requests are no output of a test."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """From now on connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _take(self, received: Received) -> Reply:
        with self._lock:
            self.received.append(received)
            self._count(received)
            self._lock.notify_all()
            if self.replies:
                return self.replies.pop(0)
        return self.answer(received) if self.answer else Reply()

    def _count(self, received: Received) -> None:
        for one in self._expectations:
            if one.seen < one.at_most and one.matches(received):
                one.seen += 1
                return
        self._unexpected.append(received)

    def wait_for(self, count: int, timeout: float = 20.0) -> list[Received]:
        """The messages, once there are that many."""
        with self._lock:
            arrived = self._lock.wait_for(lambda: len(self.received) >= count, timeout)
        assert arrived, f"{len(self.received)} of {count} messages came"
        return list(self.received)

    def check(self) -> None:
        unexpected = [f"{one.path} {one.body[:300]!r}" for one in self._unexpected]
        assert not unexpected, f"unexpected messages: {unexpected}"
        missing = [
            f"{one.words}: {one.seen} of {one.at_least}"
            for one in self._expectations
            if one.seen < one.at_least
        ]
        assert not missing, f"what was expected did not come: {missing}"

    def __enter__(self) -> "HTTPPeer":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            self.check()
