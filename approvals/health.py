"""The auditor: is every promise kept? It asks the database, and shares no code with who keeps them.

Whoever wants to know may ask (a task, the metrics, a page): it works with the scheduler dead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from hitlconsole.lib.clock import database_now
from hitlconsole.lib.heartbeats import Service
from hitlconsole.ui.formats import duration

# The sweep runs each second; what is overdue by more than that, it has missed.
LATE = timedelta(seconds=15)
STUCK = timedelta(minutes=2)
SILENT = timedelta(seconds=45)
APART = timedelta(seconds=5)
EXPECTED = tuple(Service)

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that is not kept now. `since`: when it began, by the database's clock, if known."""

    code: str
    severity: str
    count: int
    since: datetime | None
    detail: str
    remedy: str


# code: (severity, what, what to do, the rows behind it in SQL)
_CHECKS: dict[str, tuple[str, str, str, str]] = {
    "overdue_requests": (
        ERROR,
        "requests past their deadline without anything done",
        "The due worker or the scheduler does not run; agents' polls still do the step.",
        """SELECT deadline AS at FROM approvals_approvalrequest
           WHERE status IN ('pending', 'needs_info', 'escalated')
             AND deadline < %(late)s""",
    ),
    "overdue_holds": (
        ERROR,
        "verdicts that should count by now and do not",
        "The due worker or the scheduler does not run, or its log says why one fails.",
        """SELECT held_until AS at FROM approvals_approvalrequest
           WHERE held_until < %(late)s""",
    ),
    "overdue_approvals": (
        ERROR,
        "approvals past their time that could still be claimed",
        "The due worker or the scheduler does not run.",
        """SELECT approval_until AS at FROM approvals_approvalrequest
           WHERE execution = 'available' AND approval_until < %(late)s""",
    ),
    "overdue_takeovers": (
        ERROR,
        "stopped agents whose clock ran out and of which nobody else was told",
        "The due worker or the scheduler does not run.",
        """SELECT acknowledge_by AS at FROM approvals_takeover
           WHERE status = 'open' AND acknowledged_at IS NULL
             AND acknowledge_by < %(late)s""",
    ),
    "stuck_notifications": (
        ERROR,
        "news that waits to be planned",
        "The delivery worker does not run, or planning fails: look at its log.",
        """SELECT next_attempt_at AS at FROM approvals_notification
           WHERE status = 'queued' AND next_attempt_at < %(stuck)s""",
    ),
    "stuck_deliveries": (
        ERROR,
        "messages due and not sent",
        "The delivery worker does not run, or does not keep up.",
        """SELECT next_attempt_at AS at FROM approvals_delivery
           WHERE status = 'queued' AND next_attempt_at < %(stuck)s""",
    ),
    "dead_letters": (
        WARNING,
        "messages given up",
        "Mend the channel, then send them again from the page of messages.",
        "SELECT created_at AS at FROM approvals_delivery WHERE status = 'dead'",
    ),
    "lost_notifications": (
        ERROR,
        "news given up before it was planned",
        "The log of the delivery worker says why.",
        "SELECT created_at AS at FROM approvals_notification WHERE status = 'dead'",
    ),
}
_PULSES = """
SELECT kind, max(last_seen_at), extract(epoch FROM %(now)s - max(last_seen_at)),
       count(DISTINCT instance) FILTER (WHERE last_seen_at > %(alive)s)
FROM lib_heartbeat WHERE last_seen_at > %(week)s GROUP BY kind
"""
# As far as it is counted: a check must not read through a million rows.
MOST = 10_000


def findings() -> list[Finding]:
    """Everything that is wrong now, errors first."""
    begun = datetime.now(UTC)
    now = database_now()
    found = [
        *_broken_promises(now),
        *silent_services(now),
        *differing_clocks(now, begun, datetime.now(UTC)),
    ]
    return sorted(found, key=lambda one: (one.severity != ERROR, one.code))


def _broken_promises(now: datetime) -> list[Finding]:
    limits: dict[str, Any] = {"late": now - LATE, "stuck": now - STUCK, "most": MOST}
    found = []
    with connection.cursor() as cursor:
        for code, (severity, what, remedy, rows) in _CHECKS.items():
            cursor.execute(
                f"SELECT count(*), min(at) FROM ({rows} LIMIT %(most)s) AS row",  # noqa: S608
                limits,
            )
            count, since = cursor.fetchone()
            if count:
                detail = _counted(what, count)
                found.append(Finding(code, severity, count, since, detail, remedy))
    return found


def _counted(what: str, count: int) -> str:
    return f"{what}: {count}{' or more' if count == MOST else ''}"


def differing_clocks(now: datetime, begun: datetime, ended: datetime) -> list[Finding]:
    """`now`: the database's time, which was asked for between two moments of this machine."""
    apart = max(begun - now, now - ended)
    if apart <= APART:
        return []
    behind = "behind" if now < begun else "ahead of"
    words = duration(round(apart.total_seconds()))
    return [
        Finding(
            "clocks_differ",
            WARNING,
            1,
            None,
            f"the database's clock is {words} {behind} this machine's",
            "Deadlines follow the database's. Let both follow the same time servers.",
        )
    ]


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


def pulses(now: datetime) -> list[Pulse]:
    """Of every service that is expected to run."""
    moments: dict[str, Any] = {"now": now, "alive": now - SILENT, "week": now - timedelta(days=7)}
    with connection.cursor() as cursor:
        cursor.execute(_PULSES, moments)
        rows = {kind: rest for kind, *rest in cursor.fetchall()}
    return [_pulse(service, rows.get(service.value)) for service in EXPECTED]


def _pulse(service: Service, row: Sequence[Any] | None) -> Pulse:
    if row is None:
        return Pulse(service, None, None, 0)
    last, age, instances = row
    return Pulse(service, last, max(0.0, float(age)), instances)


def silent_services(now: datetime) -> list[Finding]:
    return [
        Finding(
            f"silent_{pulse.service.value}",
            ERROR,
            1,
            pulse.last_seen_at,
            f"{pulse.service.value} gives no sign of life",
            "Start it; a supervisor should do that by itself.",
        )
        for pulse in pulses(now)
        if not pulse.alive
    ]


def is_well(found: Sequence[Finding]) -> bool:
    """No error: what is only a warning does not call for anybody at night."""
    return all(one.severity != ERROR for one in found)
