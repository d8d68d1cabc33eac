"""Open pages, cheap enough to have hundreds of them beside what is measured."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from bench.client import ConnectionLostError
from bench.question import WrongAnswerError

CHANGE = b"event: change\n"
HEARS = b'event: beat\ndata: {"hears":true}\n'
BYE = b"event: bye\n"


class Listener(asyncio.Protocol):
    """One stream. `told_at` is the monotonic clock in nanoseconds at its last change."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._told: asyncio.Future[int] | None = None
        self.changes = 0
        self._said_bye = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """An event is small and comes in one piece."""
        if CHANGE in data:
            self.changes += 1
            if self._told is not None and not self._told.done():
                self._told.set_result(time.monotonic_ns())
        if BYE in data:
            self._said_bye = True
        if not self.opened.done():
            self._open(data)

    def _open(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1") and not data.startswith(b"HTTP/1.1 200"):
            self.opened.set_exception(WrongAnswerError(data.decode("latin-1")))
        elif HEARS in data:
            self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        lost = ConnectionLostError(str(exc or "closed by the server"))
        for waited in (self.opened, self._told):
            if waited is not None and not waited.done():
                waited.set_exception(lost)
        self.ended.set_result(self._said_bye)

    def expect(self) -> "asyncio.Future[int]":
        """Done at the next change, with its time."""
        self._told = asyncio.get_running_loop().create_future()
        return self._told

    def close(self) -> None:
        self.transport.close()


async def open_streams(
    address: tuple[str, int], cookies: Sequence[str], count: int
) -> list[Listener]:
    """Once each of them hears of changes; the cookies in turn. Raises WrongAnswerError."""
    loop = asyncio.get_running_loop()
    listeners = []
    for number in range(count):
        factory = partial(Listener, _request(address, cookies[number % len(cookies)]))
        _, listener = await loop.create_connection(factory, *address)
        listeners.append(listener)
    await asyncio.gather(*(listener.opened for listener in listeners))
    return listeners


def _request(address: tuple[str, int], cookie: str) -> bytes:
    lines = ["GET /live/ HTTP/1.1", f"Host: {address[0]}:{address[1]}", f"Cookie: {cookie}"]
    return "\r\n".join([*lines, "", ""]).encode()
