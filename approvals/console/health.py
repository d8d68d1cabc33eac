"""The page that says whether every promise is kept, and what to do where one is not."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from approvals import figures
from approvals.console.door import page
from approvals.health import findings, is_well, pulses
from approvals.models import Delivery, Transport
from hitlconsole.accounts.access import may_watch
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.heartbeats import Service
from hitlconsole.lib.problems import Problem

SERVICE_WORDS = {
    Service.WEB: "Web: requests and pages",
    Service.BEAT: "Scheduler: wakes workers",
    Service.DUE: "Due worker: time limits",
    Service.DELIVERIES: "Delivery worker: messages",
}
# The parts that are kept up to date while the page is open (templates/console/health).
SLOTS = ("state", "findings", "services", "waiting", "deliveries", "plot", "hours")
HEIGHT, WIDTH, GAP = 60, 12, 3


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the plot, with its bar in the picture's units."""

    begin: datetime
    human: int
    silent: int
    expired: int
    x: int
    bars: tuple[tuple[str, int, int], ...]

    @property
    def total(self) -> int:
        return self.human + self.silent + self.expired


@dataclass(frozen=True, slots=True)
class Open:
    """Requests of one level that wait; `since`: when the oldest was asked."""

    level: int
    count: int
    since: datetime


@page
@require_safe
def show_health(request: HttpRequest) -> HttpResponse:
    _require_watcher(request)
    return render(request, "console/health.html", load_health())


@page
@require_safe
def health_delta(request: HttpRequest) -> HttpResponse:
    """The contract of static/js/live.js: the whole page is one row, whose slots are filled anew."""
    _require_watcher(request)
    context = load_health()
    slots = {name: render_to_string(f"console/health/{name}.html", context) for name in SLOTS}
    revision = hashlib.sha256(repr(slots).encode()).hexdigest()[:16]
    if revision == request.GET.get("revision"):
        return HttpResponse(status=204)
    now = context["now"].isoformat()
    return JsonResponse({"revision": revision, "rows": {"health": slots}, "server_time": now})


def _require_watcher(request: HttpRequest) -> None:
    """It tells of every team. Raises not_allowed."""
    if not may_watch(current_user(request)):
        raise Problem("not_allowed", "Admins and compliance see the state of the console.")


def load_health() -> dict[str, Any]:
    found, now = findings(), database_now()
    hours = load_hours(now)
    return {
        "findings": found,
        "well": is_well(found),
        "pulses": [(SERVICE_WORDS[pulse.service], pulse) for pulse in pulses(now)],
        "waiting": _by_level(figures.waiting_requests(now), now),
        "deliveries": _by_transport(figures.messages(now)),
        "hours": hours,
        "most": max(hour.total for hour in hours),
        "plot_width": figures.HOURS * (WIDTH + GAP),
        "plot_height": HEIGHT,
        "now": now,
    }


def _by_level(found: Sequence[figures.Waiting], now: datetime) -> list[Open]:
    """Strictest first, over all teams."""
    levels: dict[int, list[figures.Waiting]] = defaultdict(list)
    for one in found:
        levels[one.level].append(one)
    return [
        Open(
            level,
            sum(one.count for one in levels[level]),
            now - timedelta(seconds=max(one.oldest_seconds for one in levels[level])),
        )
        for level in sorted(levels, reverse=True)
    ]


def _by_transport(found: Sequence[tuple[str, str, int]]) -> list[tuple[str, list[int]]]:
    """The transport's name, and how many of its messages there are of each status."""
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    for transport, status, count in found:
        counted[transport][status] = count
    return [
        (Transport(name).label, [counts.get(status.value, 0) for status in Delivery.Status])
        for name, counts in counted.items()
    ]


def load_hours(now: datetime) -> list[Hour]:
    """The last day, oldest hour first, also those in which nothing happened."""
    counted = figures.closed_by_hour(now)
    most = max((sum(one.values()) for one in counted.values()), default=1)
    return [
        _hour(begin, number, counted.get(begin, {}), most)
        for number, begin in enumerate(figures.last_hours(now))
    ]


def _hour(begin: datetime, number: int, counts: Mapping[str, int], most: int) -> Hour:
    human, silent = counts.get("human", 0), counts.get("silent_consent", 0)
    expired = counts.get("exhausted", 0)
    parts = (("human", human), ("silent", silent), ("expired", expired))
    return Hour(begin, human, silent, expired, number * (WIDTH + GAP), _stacked(parts, most))


def _stacked(parts: Sequence[tuple[str, int]], most: int) -> tuple[tuple[str, int, int], ...]:
    """(kind, top, height) of each part, from the ground up."""
    bars, top = [], HEIGHT
    for kind, count in parts:
        if count:
            height = max(2, round(count * HEIGHT / most))
            top -= height
            bars.append((kind, max(0, top), height))
    return tuple(bars)
