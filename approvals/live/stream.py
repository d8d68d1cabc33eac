"""One open stream: what it still has to say, in a space that never grows, and when it says it."""

import asyncio
import json
from collections.abc import Iterable
from enum import StrEnum

from approvals.live.viewers import Sight, Ticket
from hitlconsole.lib.rawasgi import Send

BEAT_SECONDS = 5.0
# A burst is one event: the first at once, then at most one in that time.
QUIET_SECONDS = 0.25
# More ids than that say "much".
MOST_IDS = 50
# A reader that takes nothing for so long is gone, whatever TCP says.
STUCK_SECONDS = 20.0
# So long the last word may take.
BYE_SECONDS = 0.3
# Where the browser reconnects by itself; the page has a better plan of its own.
RETRY = b"retry: 3000\n\n"

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Bye(StrEnum):
    """Why a stream ends before its reader goes."""

    SIGNED_OUT = "signed-out"
    SHUTDOWN = "shutdown"
    TOO_MANY = "too-many"


class Pending:
    """Ids that are to be told; None for so many that they are not counted."""

    def __init__(self) -> None:
        self._ids: set[str] | None = set()

    def __bool__(self) -> bool:
        return self._ids is None or bool(self._ids)

    def add(self, ids: Iterable[str]) -> None:
        if self._ids is not None:
            self._ids.update(ids)
            if len(self._ids) > MOST_IDS:
                self._ids = None

    def add_all(self) -> None:
        self._ids = None

    def take(self) -> list[str] | None:
        taken, self._ids = self._ids, set()
        return None if taken is None else sorted(taken)


def event(name: str, data: dict[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Stream:
    """Told by the hub, in the same loop; `talk` runs for as long as it is open."""

    def __init__(self, ticket: Ticket, sight: Sight, *, hears: bool) -> None:
        self.ticket, self.sight = ticket, sight
        self._hears = hears
        self._changed, self._looked = Pending(), Pending()
        self._over: Bye | None = None
        self._gone = False
        self._beat_at = self._quiet_until = 0.0
        self._woken = asyncio.Event()
        self._patience: asyncio.Timeout | None = None

    def changed(self, ids: Iterable[str]) -> None:
        self._changed.add(ids)
        self._woken.set()

    def looked(self, ids: Iterable[str]) -> None:
        self._looked.add(ids)
        self._woken.set()

    def much_changed(self) -> None:
        self._changed.add_all()
        self._woken.set()

    def hears(self, hears: bool) -> None:
        """Whether changes would be heard of; told with a beat at once."""
        if self._hears != hears:
            self._hears, self._beat_at = hears, 0.0
            self._woken.set()

    def end(self, bye: Bye) -> None:
        self._over = self._over or bye
        self._woken.set()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time() + BYE_SECONDS)

    def reader_gone(self) -> None:
        self._gone = True
        self._woken.set()

    async def talk(self, send: Send) -> None:
        """Until the reader goes or the stream is ended."""
        try:
            await self._begin(send)
            while not self._gone and self._over is None:
                for said in self._due():
                    await self._say(send, said)
                await self._rest()
            if self._over is not None:
                await self._say(send, event("bye", {"reason": self._over}), last=True)
        except TimeoutError:
            return  # it reads nothing; the server closes what is not finished

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await self._say(send, RETRY)

    async def _say(self, send: Send, said: bytes, *, last: bool = False) -> None:
        """Waits while the reader is slow, but not for ever."""
        seconds = BYE_SECONDS if last else STUCK_SECONDS
        try:
            async with asyncio.timeout(seconds) as self._patience:
                await send({"type": "http.response.body", "body": said, "more_body": not last})
        finally:
            self._patience = None

    def _due(self) -> Iterable[bytes]:
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until and (self._changed or self._looked):
            self._quiet_until = now + QUIET_SECONDS
            if self._changed:
                yield event("change", {"requests": self._changed.take()})
            if self._looked:
                yield event("look", {"requests": self._looked.take()})
        if now >= self._beat_at:
            self._beat_at = now + BEAT_SECONDS
            yield event("beat", {"hears": self._hears})

    async def _rest(self) -> None:
        """Until somebody wakes it or the next thing is due."""
        waiting = self._changed or self._looked
        until = min(self._beat_at, self._quiet_until) if waiting else self._beat_at
        self._woken.clear()
        if self._over is not None or self._gone:
            return
        try:
            async with asyncio.timeout_at(until):
                await self._woken.wait()
        except TimeoutError:
            return
