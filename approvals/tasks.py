"""Wake-ups: each tick does a bounded piece of what the database says is due."""

import time

from celery import shared_task

from approvals.notifications import outbox
from approvals.services import acknowledgement, auditing, deadlines, presence
from hitlconsole.lib import heartbeats
from hitlconsole.lib.heartbeats import Service, record_heartbeat

# A tick ends after that time, so that the next one can see new settings and a stop.
TICK_SECONDS = 20.0
BATCH = 500


@shared_task
def sweep_due() -> int:
    """Until nothing is due or the time is over: after an outage there is much of it."""
    end, total = time.monotonic() + TICK_SECONDS, acknowledgement.sweep_takeovers()
    while time.monotonic() < end:
        changed = deadlines.sweep_holds(BATCH) + deadlines.sweep_due(BATCH)
        total += changed
        if not changed:
            break
    return total


@shared_task
def note_beat() -> None:
    """The scheduler lives: a tick of its came through."""
    record_heartbeat(Service.BEAT, "scheduler")


@shared_task
def audit_promises() -> int:
    """Look whether every promise is kept; how many are not."""
    return auditing.audit()


@shared_task
def prune_heartbeats() -> int:
    """Of processes and of people."""
    return heartbeats.prune_heartbeats() + presence.prune_lookers()


@shared_task
def send_deliveries() -> int:
    return outbox.run_outbox()
