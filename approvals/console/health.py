"""The page that says whether every promise is kept, and what to do where one is not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.console.door import page
from approvals.health import findings, is_well, pulses
from approvals.models import Delivery
from hitlconsole.accounts.access import teams_with_role
from hitlconsole.accounts.models import Role
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.heartbeats import Service
from hitlconsole.lib.problems import Problem
from hitlconsole.ui.formats import duration

SERVICE_WORDS = {
    Service.WEB: "Web: takes requests and shows pages",
    Service.BEAT: "Scheduler: wakes the workers",
    Service.DUE: "Due worker: time limits and escalations",
    Service.DELIVERIES: "Delivery worker: messages",
}
HOURS = 24
# By hour: what people decided, and what time did.
_BY_HOUR = """
WITH clock AS MATERIALIZED (SELECT hitl_now() AS now)
SELECT floor(extract(epoch FROM clock.now - closed_at) / 3600)::int AS hours_ago, resolution,
       count(*)
FROM approvals_approvalrequest, clock
WHERE resolution IN ('human', 'silent_consent', 'exhausted')
  AND closed_at > clock.now - make_interval(hours => %(hours)s)
GROUP BY 1, 2
"""
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


@page
@require_safe
def show_health(request: HttpRequest) -> HttpResponse:
    """For who administers or checks: it tells of every team."""
    user = current_user(request)
    allowed = teams_with_role(user, Role.ADMIN, Role.COMPLIANCE).exists()
    if not (user.is_superuser or allowed):
        raise Problem("not_allowed", "Admins and compliance see the state of the console.")
    found, now = findings(), database_now()
    hours = load_hours(now)
    context = {
        "findings": found,
        "well": is_well(found),
        "pulses": [(SERVICE_WORDS[p.service], p, _age(p.age_seconds)) for p in pulses()],
        "hours": hours,
        "most": max((hour.total for hour in hours), default=0),
        "plot_width": HOURS * (WIDTH + GAP),
        "plot_height": HEIGHT,
        "waiting": Delivery.objects.filter(status=Delivery.Status.QUEUED).count(),
        "now": now,
    }
    return render(request, "console/health.html", context)


def _age(seconds: float | None) -> str:
    return "never seen" if seconds is None else f"{duration(seconds)} ago"


def load_hours(now: datetime) -> list[Hour]:
    """The last day, oldest hour first, also those in which nothing happened."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, {"hours": HOURS})
        rows = cursor.fetchall()
    counted: dict[int, dict[str, int]] = {}
    for hours_ago, resolution, count in rows:
        counted.setdefault(hours_ago, {})[resolution] = count
    most = max((sum(one.values()) for one in counted.values()), default=1)
    return [_hour(now, ago, counted.get(ago, {}), most) for ago in range(HOURS - 1, -1, -1)]


def _hour(now: datetime, ago: int, counts: dict[str, int], most: int) -> Hour:
    human, silent = counts.get("human", 0), counts.get("silent_consent", 0)
    expired = counts.get("exhausted", 0)
    parts = (("human", human), ("silent", silent), ("expired", expired))
    return Hour(
        begin=now - timedelta(hours=ago + 1),
        human=human,
        silent=silent,
        expired=expired,
        x=(HOURS - 1 - ago) * (WIDTH + GAP),
        bars=_stacked(parts, most),
    )


def _stacked(parts: Any, most: int) -> tuple[tuple[str, int, int], ...]:
    """(kind, top, height) of each part, from the ground up."""
    bars, top = [], HEIGHT
    for kind, count in parts:
        if count:
            height = max(2, round(count * HEIGHT / most))
            top -= height
            bars.append((kind, max(0, top), height))
    return tuple(bars)
