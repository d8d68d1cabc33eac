"""Signs of life: which processes ran, from when to when, by the database's clock.

A stretch goes on while its beats come at most GAP apart; after a pause a new one begins. So the
record tells not only that the console is up, but also whether it was at a certain moment.
"""

import os
import secrets
import socket
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

EVERY_SECONDS = 10.0
GAP = timedelta(seconds=30)
KEPT = timedelta(days=30)

_BEAT = """
WITH clock AS MATERIALIZED (SELECT hitl_now() AS now),
running AS (
    UPDATE lib_heartbeat AS beat SET last_seen_at = clock.now FROM clock
    WHERE beat.id = (
        SELECT id FROM lib_heartbeat
        WHERE kind = %(kind)s AND instance = %(instance)s AND last_seen_at >= clock.now - %(gap)s
        ORDER BY last_seen_at DESC LIMIT 1
    )
    RETURNING beat.id
)
INSERT INTO lib_heartbeat (kind, instance, started_at, last_seen_at)
SELECT %(kind)s, %(instance)s, clock.now, clock.now FROM clock
WHERE NOT EXISTS (SELECT FROM running)
"""


class Service(StrEnum):
    """What has to be alive for the console to keep its promises."""

    WEB = "web"
    BEAT = "beat"
    DUE = "worker-due"
    DELIVERIES = "worker-deliveries"


# One name for this process, wherever in it a beat comes from.
INSTANCE = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


def record_heartbeat(kind: Service, instance: str = INSTANCE) -> None:
    beat: dict[str, Any] = {"kind": kind.value, "instance": instance, "gap": GAP}
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, beat)


def prune_heartbeats() -> int:
    """Forget stretches that ended long ago; how many."""
    kept: dict[str, Any] = {"kept": KEPT}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lib_heartbeat WHERE last_seen_at < hitl_now() - %(kept)s", kept)
        return int(cursor.rowcount)
