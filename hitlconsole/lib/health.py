"""Is the process alive, and can it do its work? For supervisors and load balancers."""

import asyncio
import logging
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.crypto import constant_time_compare

from hitlconsole.lib.jsonout import dumps
from hitlconsole.lib.rawasgi import Scope, Send, header, send_response
from hitlconsole.lib.units import unit_of_work

logger = logging.getLogger(__name__)

HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"
CHECK_SECONDS = 3.0
METRICS_SECONDS = 10.0
NO_STORE = ("Cache-Control", "no-store")


@unit_of_work
def check_database() -> None:
    """It answers, and its tables are those that this version was written for."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise RuntimeError(f"{len(plan)} migrations are not applied")


def check_redis() -> None:
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS
    ) as client:
        client.ping()


CHECKS: dict[str, Callable[[], None]] = {"database": check_database, "redis": check_redis}
# Without these no request can be answered. Redis only wakes the workers: what a web process
# decides and stores stands in the database.
NEEDED = frozenset({"database"})


async def answer_health(scope: Scope, send: Send) -> None:
    """The process runs: nothing else is asked, so that an outage elsewhere restarts nobody."""
    headers = (("Content-Type", "text/plain; charset=utf-8"), NO_STORE)
    await send_response(scope, send, 200, headers, b"ok")


async def answer_ready(scope: Scope, send: Send) -> None:
    """200 where all that the process needs answers in time, 503 with what does not; what it can do
    without is told as degraded.
    """
    states = dict(zip(CHECKS, await asyncio.gather(*map(_state, CHECKS)), strict=True))
    ready = all(states[name] == "ok" for name in NEEDED)
    status = "degraded" if ready and set(states.values()) != {"ok"} else "ok"
    body = dumps({"status": status if ready else "unavailable"} | states)
    headers = (("Content-Type", "application/json"), NO_STORE)
    await send_response(scope, send, 200 if ready else 503, headers, body)


async def answer_metrics(
    scope: Scope, send: Send, render: Callable[[], bytes], content_type: str
) -> None:
    """For who has the token; without a token in the settings there are no metrics here."""
    given = header(scope, b"authorization") or ""
    if not settings.METRICS_TOKEN:
        await send_response(scope, send, 404, (NO_STORE,), b"")
    elif not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        await send_response(scope, send, 401, (NO_STORE, ("WWW-Authenticate", "Bearer")), b"")
    else:
        body = await _rendered(render)
        headers = (("Content-Type", content_type), NO_STORE)
        await send_response(scope, send, 200 if body else 503, headers, body)


async def _rendered(render: Callable[[], bytes]) -> bytes:
    """Nothing where the database does not answer, or not in time."""
    try:
        async with asyncio.timeout(METRICS_SECONDS):
            return await asyncio.to_thread(unit_of_work(render))
    except (Error, TimeoutError) as error:
        logger.warning("the metrics cannot be read: %s", error)
        return b""


async def _state(name: str) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await asyncio.to_thread(CHECKS[name])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not ready
        logger.warning("%s does not answer: %s", name, error)
        return "unavailable"
    return "ok"
