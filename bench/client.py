"""An HTTP client cheap enough to share the machine with what it measures."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httptools


class ConnectionLostError(Exception):
    """The server has closed a connection on which an answer was still due."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`at` is the monotonic clock, in nanoseconds, when the last byte had been read."""

    status: int
    body: bytes
    at: int


class Connection(asyncio.Protocol):
    """One that is kept open: one question at a time, one answer to each."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._answer: asyncio.Future[Reply] | None = None
        self._transport: Any = None

    async def ask(self, request: bytes) -> Reply:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionLostError(str(exc or "closed by the server")))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        reply = Reply(self._parser.get_status_code(), b"".join(self._body), time.monotonic_ns())
        self._body.clear()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)


async def connect(host: str, port: int) -> Connection:
    _, protocol = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return protocol


def request_bytes(
    method: str, target: str, host: str, headers: dict[str, str], body: bytes = b""
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
