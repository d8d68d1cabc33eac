"""Figures for Prometheus, read from the database when they are asked for.

Every web process gives the same answer. What it costs grows with what is open or recent, not with
history (approvals.figures).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from approvals import figures
from approvals.figures import Times
from approvals.health import findings, pulses
from hitlconsole.lib.clock import database_now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render_metrics() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(database_now()))
    return bytes(generate_latest(registry))


class _Collector:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield from _queue(self._now)
        yield from _speed(self._now)
        yield from _silence(self._now)
        yield from _takeovers(self._now)
        yield from _health(self._now)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(
    name: str, words: str, labels: Iterable[str], rows: Iterable[tuple[object, ...]]
) -> Metric:
    """Rows: the values of the labels, then the figure."""
    family = GaugeMetricFamily(name, words, labels=list(labels))
    for *values, value in rows:
        family.add_metric([str(one) for one in values], float(str(value)))
    return family


def _queue(now: datetime) -> Iterator[Metric]:
    found = figures.waiting_requests(now)
    labels = ("team", "level", "status")
    yield _labelled(
        "hitl_open_requests",
        "Requests that wait",
        labels,
        [(one.team, one.level.name, one.status, one.count) for one in found],
    )
    yield _labelled(
        "hitl_oldest_open_seconds",
        "Age of the oldest that waits",
        labels,
        [(one.team, one.level.name, one.status, one.oldest_seconds) for one in found],
    )
    lag = figures.sweep_lag_seconds(now)
    yield _one("hitl_sweep_lag_seconds", "Age of the oldest missed deadline", lag)


def _speed(now: datetime) -> Iterator[Metric]:
    looked, decided = figures.decision_times(now)
    decision = "From the submission to the decision, last hour"
    look = "From the submission to somebody's first look, last hour"
    yield from _quantiles("hitl_time_to_decide", decision, decided)
    yield from _quantiles("hitl_time_to_first_look", look, looked)


def _quantiles(name: str, words: str, times: Times) -> Iterator[Metric]:
    yield _labelled(f"{name}_seconds", words, ("quantile",), times.quantiles)
    yield _one(f"{name}_count", f"{words}: how many", times.count)


def _silence(now: datetime) -> Iterator[Metric]:
    yield _labelled(
        "hitl_deliveries",
        "Messages: waiting and dead ones, and those of the last hour",
        ("transport", "status"),
        figures.messages(now),
    )
    yield _labelled(
        "hitl_silent_consents_day",
        "Silent consents of 24 hours, by what proves the notice",
        ("notice", "transport"),
        figures.silent_consents(now),
    )
    expired, without = figures.expired_requests(now), figures.waiting_without_notice(now)
    yield _one("hitl_expired_day", "Requests that expired in 24 hours", expired)
    yield _one(
        "hitl_waiting_without_notice",
        "Escalated because nobody could be reached, and still waiting",
        without,
    )


def _takeovers(now: datetime) -> Iterator[Metric]:
    stopped, unacknowledged = figures.stopped_agents(now)
    yield _one("hitl_stopped_agents", "Agents that a person has taken over", stopped)
    yield _one("hitl_unacknowledged_takeovers", "Stopped agents that nobody has", unacknowledged)


def _health(now: datetime) -> Iterator[Metric]:
    found = [(one.code, one.severity, one.count) for one in findings()]
    yield _labelled("hitl_findings", "Promises not kept now", ("code", "severity"), found)
    beats = pulses(now)
    ages = [(p.service.value, p.age_seconds) for p in beats if p.age_seconds is not None]
    yield _labelled(
        "hitl_heartbeat_age_seconds", "Time since the last sign of life", ("service",), ages
    )
    alive = [(pulse.service.value, pulse.instances) for pulse in beats]
    yield _labelled("hitl_instances", "Processes that live", ("service",), alive)
