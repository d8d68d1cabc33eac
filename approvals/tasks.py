"""Wake-ups: each tick does a bounded piece of what the database says is due."""

import time

from celery import shared_task

from approvals.notifications import outbox
from approvals.services import acknowledgement, deadlines

# A tick ends after that time, so that the next one can see new settings and a stop.
TICK_SECONDS = 20.0
BATCH = 500


@shared_task
def sweep_due() -> int:
    """Until nothing is due or the time is over: after an outage there is much of it."""
    end, total = time.monotonic() + TICK_SECONDS, acknowledgement.sweep_takeovers()
    while time.monotonic() < end:
        changed = deadlines.sweep_due(BATCH)
        total += changed
        if not changed:
            break
    return total


@shared_task
def send_deliveries() -> int:
    return outbox.run_outbox()
