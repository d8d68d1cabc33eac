"""LISTEN on one channel of Postgres, over one connection of its own, for as long as it takes."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
# So often a silent connection is asked whether it is still there.
PROBE_SECONDS = 15.0
PROBE_TIMEOUT = 5.0
CONNECT_TIMEOUT = 5

# What Django adds for connections of its own.
_NOT_FOR_US = ("cursor_factory", "context", "prepare_threshold")


def connection_parameters() -> dict[str, Any]:
    parameters = connections["default"].get_connection_params()
    parameters = {k: v for k, v in parameters.items() if k not in _NOT_FOR_US}
    return parameters | {"connect_timeout": CONNECT_TIMEOUT, "application_name": "hitl-listen"}


async def listen(
    channel: str, *, on_payload: Callable[[str], None], on_connected: Callable[[], None]
) -> None:
    """Runs until it is cancelled; comes back by itself when the connection breaks.

    `on_connected` is called after each connect: what was sent before that was missed.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                **connection_parameters(), autocommit=True
            )
            async with connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                pause = FIRST_PAUSE
                on_connected()
                await _receive(connection, on_payload)
        except (psycopg.OperationalError, TimeoutError) as error:
            logger.warning("listening on %s broke off: %s", channel, error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _receive(
    connection: psycopg.AsyncConnection[Any], on_payload: Callable[[str], None]
) -> None:
    while True:
        async for notification in connection.notifies(timeout=PROBE_SECONDS):
            on_payload(notification.payload)
        async with asyncio.timeout(PROBE_TIMEOUT):
            await connection.execute("SELECT 1")
