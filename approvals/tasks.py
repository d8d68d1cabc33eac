"""Wake-ups: each tick does a bounded piece of what the database says is due."""

from celery import shared_task

from approvals.notifications import outbox
from approvals.services import deadlines


@shared_task
def sweep_due() -> int:
    return deadlines.sweep_due()


@shared_task
def send_deliveries() -> int:
    return outbox.send_deliveries()
