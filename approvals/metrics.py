"""Figures for Prometheus, read from the database when they are asked for.

Every web process gives the same answer. Each figure takes one indexed query, whose cost grows with
what is open or recent, not with history.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from approvals.health import findings, pulses
from autonomy.vocabulary import Level

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
QUANTILES = (0.5, 0.9, 0.99)

_OPEN = """
SELECT team.name, request.level, request.status, count(*),
       extract(epoch FROM hitl_now() - min(request.created_at))
FROM approvals_approvalrequest AS request JOIN accounts_team AS team ON team.id = request.team_id
WHERE request.status IN ('pending', 'needs_info', 'escalated') GROUP BY 1, 2, 3
"""
_LAG = """
SELECT coalesce(extract(epoch FROM hitl_now() - min(deadline)), 0)
FROM approvals_approvalrequest
WHERE status IN ('pending', 'needs_info', 'escalated') AND deadline < hitl_now()
"""
_TIMES = """
SELECT percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY
           extract(epoch FROM closed_at - created_at)),
       percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY
           extract(epoch FROM first_look_at - created_at)),
       count(*), count(first_look_at)
FROM approvals_approvalrequest
WHERE resolution = 'human' AND closed_at > hitl_now() - interval '1 hour'
"""
_DELIVERIES = """
SELECT transport, status, count(*) FROM approvals_delivery
WHERE status IN ('queued', 'dead') OR created_at > hitl_now() - interval '1 hour' GROUP BY 1, 2
"""
_CONSENTS = """
SELECT coalesce(notice->>'kind', 'none'), coalesce(notice->>'transport', ''), count(*)
FROM approvals_approvalrequest
WHERE resolution = 'silent_consent' AND closed_at > hitl_now() - interval '1 day' GROUP BY 1, 2
"""
_EXPIRED = """
SELECT count(*) FROM approvals_approvalrequest
WHERE resolution = 'exhausted' AND closed_at > hitl_now() - interval '1 day'
"""
_WITHOUT_NOTICE = """
SELECT count(*) FROM approvals_approvalrequest
WHERE status = 'escalated' AND reason = 'no_notice'
"""
_TAKEOVERS = """
SELECT count(*), count(*) FILTER (WHERE acknowledged_at IS NULL)
FROM approvals_takeover WHERE status = 'open'
"""


def render_metrics() -> bytes:
    registry = CollectorRegistry()
    registry.register(_Collector())
    return bytes(generate_latest(registry))


class _Collector:
    def collect(self) -> Iterator[Metric]:
        yield from _queue()
        yield _one("hitl_sweep_lag_seconds", "Age of the oldest missed deadline", _value(_LAG))
        yield from _times()
        yield _labelled(
            "hitl_deliveries", "Messages: waiting and dead ones, and those of the last hour",
            ("transport", "status"), _rows(_DELIVERIES),
        )  # fmt: skip
        yield _labelled(
            "hitl_silent_consents_day", "Silent consents of 24 hours, by what proves the notice",
            ("notice", "transport"), _rows(_CONSENTS),
        )  # fmt: skip
        yield _one("hitl_expired_day", "Requests that expired in 24 hours", _value(_EXPIRED))
        yield _one(
            "hitl_waiting_without_notice",
            "Escalated because nobody could be reached, and still waiting",
            _value(_WITHOUT_NOTICE),
        )
        yield from _takeovers()
        yield from _health()


def _rows(query: str, parameters: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _value(query: str) -> float:
    ((value,),) = _rows(query)
    return float(value)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(name: str, words: str, labels: Iterable[str], rows: Iterable[Any]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=list(labels))
    for *values, value in rows:
        family.add_metric([str(one) for one in values], float(value))
    return family


def _queue() -> Iterator[Metric]:
    rows = [(team, Level(level).name, *rest) for team, level, *rest in _rows(_OPEN)]
    labels = ("team", "level", "status")
    yield _labelled("hitl_open_requests", "Requests that wait", labels, [row[:4] for row in rows])
    ages = [(*row[:3], row[4]) for row in rows]
    yield _labelled("hitl_oldest_open_seconds", "Age of the oldest that waits", labels, ages)


def _times() -> Iterator[Metric]:
    ((decided, looked, decisions, looks),) = _rows(_TIMES, {"quantiles": list(QUANTILES)})
    for name, words, values, count in (
        ("decide", "From the submission to the decision, last hour", decided, decisions),
        ("first_look", "From the submission to somebody's first look, last hour", looked, looks),
    ):
        rows = zip(QUANTILES, values or (), strict=False)
        known = [(quantile, value) for quantile, value in rows if value is not None]
        yield _labelled(f"hitl_time_to_{name}_seconds", words, ("quantile",), known)
        yield _one(f"hitl_time_to_{name}_count", f"{words}: how many", count)


def _takeovers() -> Iterator[Metric]:
    ((stopped, unacknowledged),) = _rows(_TAKEOVERS)
    yield _one("hitl_stopped_agents", "Agents that a person has taken over", stopped)
    yield _one("hitl_unacknowledged_takeovers", "Stopped agents that nobody has", unacknowledged)


def _health() -> Iterator[Metric]:
    found = findings()
    rows = [(one.code, one.severity, one.count) for one in found]
    yield _labelled("hitl_findings", "Promises not kept now", ("code", "severity"), rows)
    beats = pulses()
    ages = [(p.service.value, p.age_seconds) for p in beats if p.age_seconds is not None]
    yield _labelled(
        "hitl_heartbeat_age_seconds", "Time since the last sign of life", ("service",), ages
    )
    alive = [(pulse.service.value, pulse.instances) for pulse in beats]
    yield _labelled("hitl_instances", "Processes that live", ("service",), alive)
