"""Celery: a mere wake-up. What is due and what is to be sent stands in the database."""

import os

from celery import Celery

from hitlconsole.lib.checks import refuse_insecure_secret_key

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
    },
)
app.autodiscover_tasks()
