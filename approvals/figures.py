"""What waits, what was sent, how fast people are: the figures behind the metrics and the page.

Each is one query over what is open, in trouble or recent, never over all of history. The moments
go into it as values: compared with hitl_now(), which may change from row to row, no index helps.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from autonomy.vocabulary import Level

QUANTILES = (0.5, 0.9, 0.99)
HOURS = 24

_WAITING = """
SELECT team.name, request.level, request.status, count(*),
       extract(epoch FROM %(now)s - min(request.created_at))
FROM approvals_approvalrequest AS request JOIN accounts_team AS team ON team.id = request.team_id
WHERE request.status IN ('pending', 'needs_info', 'escalated') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_LAG = """
SELECT coalesce(extract(epoch FROM %(now)s - min(deadline)), 0)
FROM approvals_approvalrequest
WHERE status IN ('pending', 'needs_info', 'escalated') AND deadline < %(now)s
"""
_TIMES = """
SELECT percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY
           extract(epoch FROM closed_at - created_at)),
       percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY
           extract(epoch FROM first_look_at - created_at)),
       count(*), count(first_look_at)
FROM approvals_approvalrequest
WHERE resolution = 'human' AND closed_at > %(hour)s
"""
_MESSAGES = """
SELECT transport, status, count(*) FROM (
    SELECT transport, status FROM approvals_delivery WHERE status IN ('queued', 'dead')
    UNION ALL
    SELECT transport, status FROM approvals_delivery
    WHERE status NOT IN ('queued', 'dead') AND created_at > %(hour)s
) AS message GROUP BY 1, 2 ORDER BY 1, 2
"""
_CONSENTS = """
SELECT coalesce(notice->>'kind', 'none'), coalesce(notice->>'transport', ''), count(*)
FROM approvals_approvalrequest
WHERE resolution = 'silent_consent' AND closed_at > %(day)s GROUP BY 1, 2
"""
_EXPIRED = """
SELECT count(*) FROM approvals_approvalrequest
WHERE resolution = 'exhausted' AND closed_at > %(day)s
"""
_WITHOUT_NOTICE = """
SELECT count(*) FROM approvals_approvalrequest
WHERE status = 'escalated' AND reason = 'no_notice'
"""
_TAKEOVERS = """
SELECT count(*), count(*) FILTER (WHERE acknowledged_at IS NULL)
FROM approvals_takeover WHERE status = 'open'
"""
_CLOSED = """
SELECT date_trunc('hour', closed_at, 'UTC'), resolution, count(*)
FROM approvals_approvalrequest
WHERE resolution IN ('human', 'silent_consent', 'exhausted') AND closed_at >= %(first_hour)s
GROUP BY 1, 2
"""


def _rows(query: str, now: datetime) -> list[Any]:
    moments: dict[str, Any] = {
        "now": now,
        "hour": now - timedelta(hours=1),
        "day": now - timedelta(days=1),
        "first_hour": last_hours(now)[0],
        "quantiles": list(QUANTILES),
    }
    with connection.cursor() as cursor:
        cursor.execute(query, moments)
        return list(cursor.fetchall())


def _number(query: str, now: datetime) -> float:
    ((value,),) = _rows(query, now)
    return float(value)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open requests of one team, level and status; `oldest_seconds`: the age of the oldest."""

    team: str
    level: Level
    status: str
    count: int
    oldest_seconds: float


def waiting_requests(now: datetime) -> list[Waiting]:
    return [
        Waiting(team, Level(level), status, count, float(oldest))
        for team, level, status, count, oldest in _rows(_WAITING, now)
    ]


def sweep_lag_seconds(now: datetime) -> float:
    """By how much the oldest deadline was missed; 0: none was."""
    return _number(_LAG, now)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the submission, by quantile, of `count` requests."""

    quantiles: tuple[tuple[float, float], ...]
    count: int


def decision_times(now: datetime) -> tuple[Times, Times]:
    """Of the last hour's decisions: to the first look, and to the decision."""
    ((decided, looked, decisions, looks),) = _rows(_TIMES, now)
    return _times(looked, looks), _times(decided, decisions)


def _times(values: list[float] | None, count: int) -> Times:
    return Times(tuple(zip(QUANTILES, values or (), strict=False)), count)


def messages(now: datetime) -> list[tuple[str, str, int]]:
    """(transport, status, how many): all that wait or were given up, others of the last hour."""
    return _rows(_MESSAGES, now)


def silent_consents(now: datetime) -> list[tuple[str, str, int]]:
    """(kind of notice, transport, how many) of the last day."""
    return _rows(_CONSENTS, now)


def expired_requests(now: datetime) -> float:
    """Of the last day."""
    return _number(_EXPIRED, now)


def waiting_without_notice(now: datetime) -> float:
    """Escalated because nobody was told, and still open."""
    return _number(_WITHOUT_NOTICE, now)


def stopped_agents(now: datetime) -> tuple[int, int]:
    """(all, those that nobody has acknowledged)."""
    ((stopped, unacknowledged),) = _rows(_TAKEOVERS, now)
    return stopped, unacknowledged


def last_hours(now: datetime) -> list[datetime]:
    """When the last 24 hours of the clock began, in UTC; the last one still runs."""
    current = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [current - timedelta(hours=ago) for ago in range(HOURS - 1, -1, -1)]


def closed_by_hour(now: datetime) -> dict[datetime, dict[str, int]]:
    """Beginning of the hour -> resolution -> how many requests closed in it by that."""
    counted: dict[datetime, dict[str, int]] = {}
    for hour, resolution, count in _rows(_CLOSED, now):
        counted.setdefault(hour, {})[resolution] = count
    return counted
