"""Agents that wait for a change of their request: each costs a connection and a future.

Postgres tells of changes (NOTIFY hitl_request, "<id> <revision>", at the commit); one listening
connection a process hears all of them. A waiter takes its seat before it looks, so that no change
falls between the look and the wait, and looks again whenever it is woken.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from approvals.api.answers import Answer
from hitlconsole.lib.listen import listen

CHANNEL = "hitl_request"
# A due step that another transaction is just doing is not asked for in a tight loop.
SHORTEST_WAIT = 0.1


@dataclass(frozen=True, slots=True)
class Look:
    """A request as it is, and when to look again: `due_in` seconds, None for nothing due."""

    answer: Answer
    revision: int
    closed: bool
    due_in: float | None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller waits and which revision it knows; `gone` is done when it has left."""

    seconds: float
    revision: int | None
    gone: asyncio.Future[Any]


class Seat:
    """One waiter's place. `changed` is done once something happened since it was armed."""

    def __init__(self) -> None:
        self.arm()

    def arm(self) -> None:
        self.changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self.changed.done():
            self.changed.set_result(None)


class WaitingRoom:
    """The waiters of one event loop, and the one connection that wakes them."""

    def __init__(self) -> None:
        self._seats: dict[str, set[Seat]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None
        self.closing = False

    @contextmanager
    def seat(self, request_id: UUID) -> Iterator[Seat]:
        self._listen()
        key, seat = str(request_id), Seat()
        self._seats[key].add(seat)
        try:
            yield seat
        finally:
            self._seats[key].discard(seat)
            if not self._seats[key]:
                del self._seats[key]

    def _listen(self) -> None:
        if self._listening is None or self._listening.done():
            self._listening = asyncio.get_running_loop().create_task(
                listen(CHANNEL, on_payload=self._changed, on_connected=self.wake_all)
            )

    def _changed(self, payload: str) -> None:
        for seat in self._seats.get(payload.partition(" ")[0], ()):
            seat.wake()

    def wake_all(self) -> None:
        for seats in self._seats.values():
            for seat in seats:
                seat.wake()

    def close(self) -> None:
        """Everybody who waits is answered now, and whoever comes later at once."""
        self.closing = True
        self.wake_all()

    async def stop(self) -> None:
        self.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])


_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, WaitingRoom] = WeakKeyDictionary()


def waiting_room() -> WaitingRoom:
    """The room of the running event loop."""
    return _rooms.setdefault(asyncio.get_running_loop(), WaitingRoom())


async def look_until_changed(
    look: Callable[[], Awaitable[Look]], request_id: UUID, patience: Patience
) -> Look:
    """The first look that shows a newer revision or a closed request, or the last in time."""
    room, loop = waiting_room(), asyncio.get_running_loop()
    until = loop.time() + patience.seconds
    with room.seat(request_id) as seat:
        seen = await look()
        known = seen.revision if patience.revision is None else patience.revision
        while not seen.closed and seen.revision <= known and not room.closing:
            left = until - loop.time()
            if left <= 0 or patience.gone.done():
                break
            await _pause(seat, min(left, _next_step(seen)), patience.gone)
            seat.arm()
            seen = await look()
        return seen


def _next_step(seen: Look) -> float:
    return math.inf if seen.due_in is None else max(seen.due_in, SHORTEST_WAIT)


async def _pause(seat: Seat, seconds: float, gone: asyncio.Future[Any]) -> None:
    await asyncio.wait((seat.changed, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
