"""Celery: a mere wake-up. What is due and what is to be sent stands in the database."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

from hitlconsole.lib.checks import refuse_insecure_secret_key
from hitlconsole.lib.heartbeats import Service
from hitlconsole.lib.pulse import PulseThread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitlconsole.settings")
refuse_insecure_secret_key()

app = Celery("hitlconsole")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    # Messages of a killed worker come back after seconds, not after the default hour.
    broker_transport_options={
        "visibility_timeout": 120,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    },
    task_default_queue="due",
    task_routes={
        "approvals.tasks.sweep_due": {"queue": "due"},
        "approvals.tasks.send_deliveries": {"queue": "deliveries"},
        "approvals.tasks.note_beat": {"queue": "due"},
        "approvals.tasks.audit_promises": {"queue": "deliveries"},
        "approvals.tasks.prune_heartbeats": {"queue": "deliveries"},
    },
    # A tick that could not be delivered in time is worth nothing: the next one does its work.
    beat_schedule={
        "sweep-due": {
            "task": "approvals.tasks.sweep_due",
            "schedule": 1.0,
            "options": {"expires": 5},
        },
        "send-deliveries": {
            "task": "approvals.tasks.send_deliveries",
            "schedule": 1.0,
            "options": {"expires": 5},
        },
        "note-beat": {
            "task": "approvals.tasks.note_beat",
            "schedule": 10.0,
            "options": {"expires": 10},
        },
        "audit-promises": {
            "task": "approvals.tasks.audit_promises",
            "schedule": 15.0,
            "options": {"expires": 15},
        },
        "prune-heartbeats": {
            "task": "approvals.tasks.prune_heartbeats",
            "schedule": 3600.0,
            "options": {"expires": 600},
        },
    },
)
app.autodiscover_tasks()

_SERVICES = {"due": Service.DUE, "deliveries": Service.DELIVERIES}
_pulses: list[PulseThread] = []


@worker_ready.connect
def _begin_pulse(sender: Any, **kwargs: Any) -> None:
    """A worker lives for as long as its process does, whether or not the scheduler sends ticks."""
    queues = {queue.name for queue in sender.task_consumer.queues}
    pulse = PulseThread([service for queue, service in _SERVICES.items() if queue in queues])
    _pulses.append(pulse)
    pulse.start()


@worker_shutting_down.connect
def _end_pulse(**kwargs: Any) -> None:
    while _pulses:
        _pulses.pop().stop()
