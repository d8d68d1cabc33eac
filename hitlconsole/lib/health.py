"""Is the process alive, and can it do its work? For supervisors and load balancers."""

import asyncio
import logging
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection

from hitlconsole.lib.jsonout import dumps
from hitlconsole.lib.rawasgi import Scope, Send, send_response
from hitlconsole.lib.units import unit_of_work

logger = logging.getLogger(__name__)

HEALTH, READY = "/healthz", "/readyz"
CHECK_SECONDS = 3.0
NO_STORE = ("Cache-Control", "no-store")


@unit_of_work
def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_redis() -> None:
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS
    ) as client:
        client.ping()


CHECKS: dict[str, Callable[[], None]] = {"database": check_database, "redis": check_redis}


async def answer_health(scope: Scope, send: Send) -> None:
    """The process runs: nothing else is asked, so that an outage elsewhere restarts nobody."""
    headers = (("Content-Type", "text/plain; charset=utf-8"), NO_STORE)
    await send_response(scope, send, 200, headers, b"ok")


async def answer_ready(scope: Scope, send: Send) -> None:
    """200 where all that the process needs answers in time, 503 with what does not."""
    states = dict(zip(CHECKS, await asyncio.gather(*map(_state, CHECKS)), strict=True))
    ready = set(states.values()) == {"ok"}
    body = dumps({"status": "ok" if ready else "unavailable"} | states)
    headers = (("Content-Type", "application/json"), NO_STORE)
    await send_response(scope, send, 200 if ready else 503, headers, body)


async def _state(name: str) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await asyncio.to_thread(CHECKS[name])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not ready
        logger.warning("%s does not answer: %s", name, error)
        return "unavailable"
    return "ok"
