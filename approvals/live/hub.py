"""What one web process hears of changes, and hands to its streams."""

import asyncio
import json
import logging
from collections import defaultdict
from typing import Any
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from django.db import Error

from approvals.live.publish import CHANGED, LOOKED
from approvals.live.stream import Bye, Stream
from approvals.live.viewers import look_up
from hitlconsole.accounts.sessions import SIGNED_OUT
from hitlconsole.lib.broadcast import Fact, channel, connection_options
from hitlconsole.lib.units import unit_of_work

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
# A subscription that is silent for so long is asked whether it is still there.
PROBE_SECONDS = 5.0
# So often the rights of everybody who has a stream are looked up again.
CHECK_SECONDS = 15.0
# Of one person; whoever opens one more closes the oldest.
MOST_STREAMS = 20


class Hub:
    """The streams of one event loop, and the one subscription that feeds them."""

    def __init__(self, url: str) -> None:
        self._url = url
        # In the order in which they came.
        self._streams: dict[Stream, None] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._failed = False
        self.hears = False
        self.closing = False

    def enter(self, stream: Stream) -> None:
        self._start()
        stream.hears(self.hears)
        user = stream.ticket.user_id
        theirs = [one for one in self._streams if one.ticket.user_id == user]
        self._streams[stream] = None
        if len(theirs) >= MOST_STREAMS:
            theirs[0].end(Bye.TOO_MANY)
            del self._streams[theirs[0]]
        if self.closing:
            stream.end(Bye.SHUTDOWN)

    def leave(self, stream: Stream) -> None:
        self._streams.pop(stream, None)

    def _start(self) -> None:
        if not self._tasks and not self.closing:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._listen()), loop.create_task(self._check())]

    async def _listen(self) -> None:
        """Comes back by itself; what was said meanwhile was missed."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._subscribe()
            except (redis.RedisError, OSError, TimeoutError) as error:
                if self.hears or pause == FIRST_PAUSE:
                    logger.warning("changes are not heard of: %s", error or "Redis is silent")
            pause = FIRST_PAUSE if self.hears else min(pause * 2, LONGEST_PAUSE)
            self._set_hears(False)
            await asyncio.sleep(pause)

    async def _subscribe(self) -> None:
        """Returns never. Raises what breaks the subscription off."""
        options = connection_options() | {"socket_timeout": None}
        client = redis.asyncio.Redis.from_url(self._url, **options)
        async with client, client.pubsub() as subscription:
            async with asyncio.timeout(PROBE_SECONDS):
                await subscription.subscribe(channel())
            await self._receive(subscription)

    async def _receive(self, subscription: Any) -> None:
        asked = False
        while True:
            message = await subscription.get_message(timeout=PROBE_SECONDS)
            if message is None:
                if asked:
                    raise TimeoutError
                await subscription.ping()
            elif message["type"] == "subscribe":
                self._set_hears(True)
            elif message["type"] == "message":
                self.hear(message["data"])
            asked = message is None

    def _set_hears(self, hears: bool) -> None:
        self.hears = hears
        for stream in self._streams:
            stream.hears(hears)
            if hears:
                stream.much_changed()

    def hear(self, data: bytes | str) -> None:
        """A message as broadcast sends it."""
        message = json.loads(data)
        if message["missed"]:
            for stream in self._streams:
                stream.much_changed()
        self._hand_out([tuple(fact) for fact in message["facts"]])

    def _hand_out(self, facts: list[Fact]) -> None:
        groups: dict[Fact, list[str]] = defaultdict(list)
        for *group, last in facts:
            groups[tuple(group)].append(last)
        for (kind, *place), ids in groups.items():
            if kind == SIGNED_OUT:
                self._end_sessions(set(ids))
            for stream in self._streams if kind in (CHANGED, LOOKED) else ():
                if stream.sight.covers(*place):
                    stream.changed(ids) if kind == CHANGED else stream.looked(ids)

    def _end_sessions(self, digests: set[str]) -> None:
        self._end([one for one in self._streams if one.ticket.digest in digests], Bye.SIGNED_OUT)

    def _end(self, streams: list[Stream], bye: Bye) -> None:
        for stream in streams:
            stream.end(bye)
            self.leave(stream)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if self._streams:
                await self._check_rights()

    async def _check_rights(self) -> None:
        """One statement for all; while the database is away there is nothing to be seen anyway."""
        streams = list(self._streams)
        try:
            found = await asyncio.to_thread(
                unit_of_work(look_up), {stream.ticket for stream in streams}
            )
        except Error as error:
            if not self._failed:
                logger.warning("the rights of open pages can't be checked: %s", error)
            self._failed = True
            return
        self._failed = False
        for stream in streams:
            stream.sight = found.get(stream.ticket, stream.sight)
        self._end([one for one in streams if one.ticket not in found], Bye.SIGNED_OUT)

    def close(self) -> None:
        """Everybody is told, and whoever comes later at once."""
        self.closing = True
        self._end(list(self._streams), Bye.SHUTDOWN)

    async def stop(self) -> None:
        self.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub(settings.REDIS_URL))
