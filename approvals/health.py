"""The auditor: is every promise kept? It asks the database, and shares no code with who keeps them.

Whoever wants to know may ask (a task, the metrics, a page): it works with the scheduler dead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from hitlconsole.lib.heartbeats import Service

# The sweep runs each second; what is overdue by more than that, it has missed.
LATE = timedelta(seconds=15)
STUCK = timedelta(minutes=2)
SILENT = timedelta(seconds=45)
EXPECTED = tuple(Service)

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that is not kept now. `since`: when it began, by the database's clock."""

    code: str
    severity: str
    count: int
    since: datetime | None
    detail: str
    remedy: str


# code: (severity, what, what to do, the rows behind it as (at) in SQL)
_CHECKS: dict[str, tuple[str, str, str, str]] = {
    "overdue_requests": (
        ERROR,
        "requests are past their deadline and nothing was done",
        "The due worker or the scheduler does not run; agents' polls still do the step.",
        """SELECT deadline AS at FROM approvals_approvalrequest
           WHERE status IN ('pending', 'needs_info', 'escalated')
             AND deadline < hitl_now() - %(late)s""",
    ),
    "overdue_approvals": (
        ERROR,
        "approvals are past their time and could still be claimed",
        "The due worker or the scheduler does not run.",
        """SELECT approval_until AS at FROM approvals_approvalrequest
           WHERE execution = 'available' AND approval_until < hitl_now() - %(late)s""",
    ),
    "overdue_takeovers": (
        ERROR,
        "stopped agents wait for somebody, and the next tier was not told",
        "The due worker or the scheduler does not run.",
        """SELECT acknowledge_by AS at FROM approvals_takeover
           WHERE status = 'open' AND acknowledged_at IS NULL
             AND acknowledge_by < hitl_now() - %(late)s""",
    ),
    "stuck_notifications": (
        ERROR,
        "news waits to be planned",
        "The delivery worker does not run, or planning fails: look at its log.",
        """SELECT next_attempt_at AS at FROM approvals_notification
           WHERE status = 'queued' AND next_attempt_at < hitl_now() - %(stuck)s""",
    ),
    "stuck_deliveries": (
        ERROR,
        "messages are due and not sent",
        "The delivery worker does not run, or does not keep up.",
        """SELECT next_attempt_at AS at FROM approvals_delivery
           WHERE status = 'queued' AND next_attempt_at < hitl_now() - %(stuck)s""",
    ),
    "dead_letters": (
        WARNING,
        "messages were given up",
        "Mend the channel, then send them again from the page of messages.",
        "SELECT created_at AS at FROM approvals_delivery WHERE status = 'dead'",
    ),
    "lost_notifications": (
        ERROR,
        "news could not be planned and were given up",
        "The log of the delivery worker says why.",
        "SELECT created_at AS at FROM approvals_notification WHERE status = 'dead'",
    ),
}
# As far as it is counted: a check must not read through a million rows.
MOST = 10_000


def findings() -> list[Finding]:
    """Everything that is wrong now, errors first."""
    limits: dict[str, Any] = {"late": LATE, "stuck": STUCK, "most": MOST}
    found = []
    with connection.cursor() as cursor:
        for code, (severity, what, remedy, rows) in _CHECKS.items():
            cursor.execute(
                f"SELECT count(*), min(at) FROM ({rows} LIMIT %(most)s) AS row",  # noqa: S608
                limits,
            )
            count, since = cursor.fetchone()
            if count:
                found.append(Finding(code, severity, count, since, f"{count} {what}", remedy))
    found += silent_services()
    return sorted(found, key=lambda one: (one.severity != ERROR, one.code))


@dataclass(frozen=True, slots=True)
class Pulse:
    """The last sign of life of a service. `instances`: how many gave one lately."""

    service: Service
    last_seen_at: datetime | None
    age_seconds: float | None
    instances: int

    @property
    def alive(self) -> bool:
        return self.instances > 0


def pulses() -> list[Pulse]:
    """Of every service that is expected to run."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind, max(last_seen_at), extract(epoch FROM hitl_now() - max(last_seen_at)),
                   count(DISTINCT instance) FILTER (WHERE last_seen_at > hitl_now() - %(silent)s)
            FROM lib_heartbeat WHERE last_seen_at > hitl_now() - interval '7 days' GROUP BY kind
            """,
            {"silent": SILENT},  # type: ignore[dict-item]
        )
        rows = {kind: rest for kind, *rest in cursor.fetchall()}
    return [_pulse(service, rows.get(service.value)) for service in EXPECTED]


def _pulse(service: Service, row: Sequence[Any] | None) -> Pulse:
    if row is None:
        return Pulse(service, None, None, 0)
    last, age, instances = row
    return Pulse(service, last, float(age), instances)


def silent_services() -> list[Finding]:
    return [
        Finding(
            f"silent_{pulse.service.value}",
            ERROR,
            1,
            pulse.last_seen_at,
            f"{pulse.service.value} gives no sign of life",
            "Start it; a supervisor should do that by itself.",
        )
        for pulse in pulses()
        if not pulse.alive
    ]


def is_well(found: Sequence[Finding]) -> bool:
    """No error: what is only a warning does not call for anybody at night."""
    return all(one.severity != ERROR for one in found)
