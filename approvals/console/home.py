"""Home: what waits for a person, what stands still, and how well people oversee of late.

Every number of requests, agents or messages leads to a list of exactly that length: it is counted
by the filter that the list is made of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.console.channels import visible_deliveries
from approvals.console.door import page
from approvals.console.filters import HistoryFilter, QueueFilter, Said
from approvals.console.oversight import BANDS, QUICK_SECONDS, Made, Oversight, Span, load_oversight
from approvals.console.queue import TakeoverRow, takeover_row
from approvals.console.queue_counts import count_queue, load_stopped
from approvals.models import Delivery
from approvals.vocabulary import Resolution
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import may_watch, readable_agents
from hitlconsole.accounts.models import Agent, User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now
from hitlconsole.ui.formats import duration

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# What the address says, how long it is, by what its plot counts, and how it is called.
PERIODS = {
    "day": (DAY, HOUR, "24 hours"),
    "week": (7 * DAY, DAY, "7 days"),
    "month": (30 * DAY, DAY, "30 days"),
}
WAITING = (
    ("All that waits", QueueFilter()),
    ("Due within 15 minutes", QueueFilter(due=True)),
    ("Claimed by you", QueueFilter(mine=True)),
    ("Needs your vote", QueueFilter(vote=True)),
    ("Escalated", QueueFilter(escalated=True)),
)
LEVELS = (Level.HUMAN_TAKEOVER, Level.HARD_APPROVAL, Level.SOFT_APPROVAL)
MOST_STOPPED = 5
HEIGHT, WIDTH, GAP = 60, 12, 3


@dataclass(frozen=True, slots=True)
class Number:
    """`text`: what is said beside the count, like a share."""

    count: int
    url: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What was made of the requests of a level, a person, an hour or a time taken."""

    key: Any
    label: str
    median: str
    decided: Number
    quick: Number
    overridden: Number
    approved: Number
    edited: Number
    rejected: Number
    silent: Number
    expired: Number


@dataclass(frozen=True, slots=True)
class Bar:
    """Parts from the ground up, each (kind, top, height), in the picture's units."""

    x: int
    parts: tuple[tuple[str, int, int], ...]


@page
@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    user, now = current_user(request), database_now()
    name = request.GET.get("period", "")
    period = name if name in PERIODS else "day"
    length, step, _ = PERIODS[period]
    span = Span(now - length, now, step)
    context = _waiting(request, user) | _standing(user) | _quality(user, span)
    context |= {
        "now": now,
        "periods": [(key, words, key == period) for key, (_, _, words) in PERIODS.items()],
        "period_words": PERIODS[period][2],
        "by_hour": step == HOUR,
        "watches": may_watch(user),
    }
    return render(request, "console/home.html", context)


def _waiting(request: HttpRequest, user: User) -> dict[str, Any]:
    """Counted as the queue counts its views."""
    filters = [wanted for _, wanted in WAITING] + [QueueFilter(level=level) for level in LEVELS]
    stopped = load_stopped(user, QueueFilter(), filters)
    counted = count_queue(user, QueueFilter(), stopped, (), filters)
    numbers = [
        Number(count, f"{reverse('console:queue')}?{wanted.query()}")
        for wanted, count in zip(filters, counted.by_view, strict=True)
    ]
    request.nav_counts = {"queue": counted.waiting}  # type: ignore[attr-defined]
    rows: list[TakeoverRow] = [
        takeover_row(takeover, QueueFilter()) for takeover in stopped.matching[:MOST_STOPPED]
    ]
    return {
        "cards": [(label, number) for (label, _), number in zip(WAITING, numbers, strict=False)],
        "levels": list(
            zip((level.value for level in LEVELS), numbers[len(WAITING) :], strict=True)
        ),
        "stopped": rows,
        "stopped_more": len(stopped.matching) - len(rows),
    }


def _standing(user: User) -> dict[str, Any]:
    """Agents that may not act, and messages that did not get through."""
    agents = Agent.objects.filter(pk__in=readable_agents(user).values("pk")).order_by()
    found = dict(agents.values_list("status").annotate(n=Count("pk")))
    agents_url, messages_url = reverse("console:agents"), reverse("console:deliveries")
    dead = visible_deliveries(user).filter(status=Delivery.Status.DEAD).count()
    return {
        "any_agents": bool(found),
        "standing": [
            (status.label, Number(found.get(status, 0), f"{agents_url}?status={status}"))
            for status in (Agent.Status.READ_ONLY, Agent.Status.DISABLED)
        ]
        + [("Messages that failed", Number(dead, f"{messages_url}?status=dead"))],
    }


def _quality(user: User, span: Span) -> dict[str, Any]:
    found = load_oversight(user, span)
    whole = HistoryFilter(closed_from=span.begin, closed_to=span.end)
    steps = [_step_line(one, span, found) for one in span.steps()]
    bands = [_band_line(number, whole, found) for number in range(len(BANDS))]
    return {
        "quality": _line(None, "", found.all, whole),
        "closed_any": found.all != Made(),
        "by_level": [
            _line(level, "", found.levels[level], replace(whole, level=Level(level)))
            for level in sorted(found.levels, reverse=True)
        ],
        "by_person": _people(user, found.people, whole),
        "steps": steps,
        "step_bars": _bars([_shares(line) for line in steps]),
        "most_in_step": max(map(_closed, steps), default=0),
        "bands": bands,
        "band_bars": _bars([(("human", line.decided.count),) for line in bands]),
        "plot_height": HEIGHT,
        "steps_width": len(steps) * (WIDTH + GAP),
        "bands_width": len(bands) * (WIDTH + GAP),
    }


def _people(user: User, found: Mapping[UUID, Made], whole: HistoryFilter) -> list[Line]:
    """Who decided most comes first; oneself is "you"."""
    names = dict(User.objects.filter(pk__in=found).values_list("pk", "name"))
    busiest = sorted(found, key=lambda person: (-found[person].decided, names[person]))
    return [
        _line(
            person,
            "you" if person == user.pk else names[person],
            found[person],
            replace(whole, by=person),
        )
        for person in busiest
    ]


def _step_line(begin: datetime, span: Span, found: Oversight) -> Line:
    wanted = HistoryFilter(
        closed_from=max(begin, span.begin), closed_to=min(begin + span.step, span.end)
    )
    return _line(begin, "", found.steps.get(begin, Made()), wanted)


def _band_line(number: int, whole: HistoryFilter, found: Oversight) -> Line:
    least, under = BANDS[number], (*BANDS, None)[number + 1]
    wanted = replace(whole, took_from=least, took_under=under)
    label = f"{duration(least)} to {duration(under)}" if under else f"{duration(least)} or more"
    if not least:
        label = f"under {duration(QUICK_SECONDS)}"
    return _line(number, label, found.bands.get(number, Made()), wanted)


def _line(key: Any, label: str, made: Made, wanted: HistoryFilter) -> Line:
    people = replace(wanted, resolution=Resolution.HUMAN)
    quick = replace(people, took_under=min(QUICK_SECONDS, wanted.took_under or QUICK_SECONDS))
    return Line(
        key=key,
        label=label,
        median="none" if made.median is None else duration(made.median),
        decided=_number(made.decided, people),
        quick=_number(made.quick, quick, made.quick_share),
        overridden=_number(
            made.overridden, replace(wanted, said=Said.OVERRIDDEN), made.override_share
        ),
        approved=_number(made.approved, replace(wanted, said=Said.APPROVED)),
        edited=_number(made.edited, replace(wanted, said=Said.EDITED)),
        rejected=_number(made.rejected, replace(wanted, said=Said.REJECTED)),
        silent=_number(made.silent, replace(wanted, resolution=Resolution.SILENT_CONSENT)),
        expired=_number(made.expired, replace(wanted, resolution=Resolution.EXHAUSTED)),
    )


def _number(count: int, wanted: HistoryFilter, share: float | None = None) -> Number:
    text = "" if share is None else f"{share * 100:.0f} %"
    return Number(count, f"{reverse('console:requests')}?{wanted.query()}", text)


def _shares(line: Line) -> tuple[tuple[str, int], ...]:
    return (
        ("approved", line.approved.count),
        ("edited", line.edited.count),
        ("rejected", line.rejected.count),
        ("silent", line.silent.count),
        ("nobody", line.expired.count),
    )


def _closed(line: Line) -> int:
    return sum(count for _, count in _shares(line))


def _bars(columns: Sequence[Iterable[tuple[str, int]]]) -> list[Bar]:
    parts = [list(column) for column in columns]
    most = max((sum(count for _, count in column) for column in parts), default=0) or 1
    return [
        Bar(number * (WIDTH + GAP), _stacked(column, most)) for number, column in enumerate(parts)
    ]


def _stacked(column: Sequence[tuple[str, int]], most: int) -> tuple[tuple[str, int, int], ...]:
    bars, top = [], HEIGHT
    for kind, count in column:
        if count:
            height = max(2, round(count * HEIGHT / most))
            top -= height
            bars.append((kind, max(0, top), height))
    return tuple(bars)
