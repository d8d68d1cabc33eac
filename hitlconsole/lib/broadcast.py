"""Telling every web process over Redis that something happened: quick, and no loss if lost.

Who tells never waits: a thread of its own sends, gathers what comes meanwhile, and pauses while
Redis is away. What was told then is not sent later, but that something was missed is.
"""

import atexit
import json
import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

# What it is about, then ids: never a text of anybody.
Fact = tuple[str, ...]

TIMEOUT_SECONDS = 0.5
PAUSE_SECONDS = 3.0
# The first of a burst goes at once, the rest of it together.
GATHER_SECONDS = 0.02
# More than that at once is "much has changed".
MOST_FACTS = 1_000
LAST_WORDS_SECONDS = 0.3


def channel() -> str:
    """Consoles that share a Redis but no database don't hear each other."""
    return f"hitl:live:{settings.DATABASES['default']['NAME']}"


def connection_options() -> dict[str, Any]:
    return {
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "socket_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }


def as_message(facts: Iterable[Fact], *, missed: bool) -> str:
    return json.dumps({"facts": list(facts), "missed": missed}, separators=(",", ":"))


class Broadcaster:
    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, **connection_options())
        self._facts: dict[Fact, None] = {}
        self._missed = False
        self._failed = False
        self._idle = True
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def tell(self, facts: Iterable[Fact]) -> None:
        with self._changed:
            self._idle = False
            self._facts.update(dict.fromkeys(facts))
            if len(self._facts) > MOST_FACTS:
                self._facts, self._missed = {}, True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="broadcast", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            facts, missed = self._take()
            self._publish(as_message(facts, missed=missed))
            time.sleep(PAUSE_SECONDS if self._failed else GATHER_SECONDS)

    def _take(self) -> tuple[list[Fact], bool]:
        with self._changed:
            self._changed.wait_for(lambda: self._facts or self._missed)
            facts, missed = list(self._facts), self._missed
            self._facts, self._missed = {}, False
            return facts, missed

    def _publish(self, message: str) -> None:
        failed = False
        try:
            self._redis.publish(channel(), message)
        except (redis.RedisError, OSError) as error:
            failed = True
            if not self._failed:
                logger.warning("open pages can't be told of changes: %s", error)
        with self._changed:
            self._failed, self._missed = failed, self._missed or failed
            self._idle = not self._facts and not self._missed
            self._changed.notify_all()

    def finish(self) -> None:
        """Before the process ends: what was told just now shall still go out, if it can."""
        with self._changed:
            if not self._failed:
                self._changed.wait_for(lambda: self._idle, LAST_WORDS_SECONDS)


_broadcaster = Broadcaster(settings.REDIS_URL)
atexit.register(_broadcaster.finish)


def broadcast(facts: Iterable[Fact]) -> None:
    """Returns at once. Call it after the commit (transaction.on_commit) of what it tells."""
    _broadcaster.tell(facts)
