"""How much waits: in the list, beyond its filter, and in each saved view.

One question to the database answers for all of them; the page of the queue asks it by agent and
action type, which tells at the same time what there is to filter by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Case, Count, Q, Value, When

from approvals.access import in_sight
from approvals.console.filters import QueueFilter
from approvals.console.queue_conditions import (
    DUE,
    open_requests,
    request_condition,
    takeover_condition,
)
from approvals.models import Takeover
from approvals.vocabulary import TakeoverStatus
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import HitlNow

Filters = Sequence[QueueFilter]


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests and takeovers that match; `shown`: how many of both are on the page."""

    open: int
    due: int
    stopped: int
    shown: int

    @property
    def waiting(self) -> int:
        return self.open + self.stopped

    @property
    def words(self) -> str:
        """Like "3 open and 1 stopped agent, 2 not shown"."""
        if not self.waiting:
            return "Nothing is open"
        agents = "agent" if self.stopped == 1 else "agents"
        stopped = f" and {self.stopped} stopped {agents}" if self.stopped else ""
        hidden = self.waiting - self.shown
        return f"{self.open} open{stopped}, {f'{hidden} not shown' if hidden > 0 else 'all shown'}"


@dataclass(frozen=True, slots=True)
class Stopped:
    """Unresolved takeovers by their acknowledgement clock: those that match the filter, how many
    there are whatever it says, and how many match each view.
    """

    matching: Sequence[Takeover]
    total: int
    by_view: Sequence[int]


@dataclass(frozen=True, slots=True)
class Counted:
    """`waiting`: all that waits for this person; `by_view`: what each view holds."""

    totals: Totals
    waiting: int
    by_view: Sequence[int]


@dataclass(frozen=True, slots=True)
class Facets:
    """What the filters offer: agents and action types that have something open."""

    agents: Sequence[tuple[UUID, str]]
    types: Sequence[str]


def load_stopped(user: User, wanted: QueueFilter, views: Filters = ()) -> Stopped:
    takeovers = Takeover.objects.filter(in_sight(user), status=TakeoverStatus.OPEN)
    takeovers = takeovers.select_related("agent", "team", "request", "acknowledged_by")
    flags = {f"view_{n}": _flag(takeover_condition(view, user)) for n, view in enumerate(views)}
    flags["matches"] = _flag(takeover_condition(wanted, user))
    found: list[Any] = list(takeovers.annotate(**flags).order_by("acknowledge_by", "id"))
    return Stopped(
        matching=[takeover for takeover in found if takeover.matches],
        total=len(found),
        by_view=[
            sum(getattr(takeover, f"view_{n}") for takeover in found) for n in range(len(views))
        ],
    )


def _flag(condition: Q) -> Case | Value:
    if not condition:
        return Value(True)
    return Case(When(condition, then=True), default=False, output_field=BooleanField())


def count_queue(
    user: User, wanted: QueueFilter, stopped: Stopped, shown: Sequence[UUID], views: Filters = ()
) -> Counted:
    """`shown`: the requests and takeovers on the page."""
    sums = open_requests(user).aggregate(**_counts(user, wanted, shown, views))
    return _counted(sums, stopped, shown)


def count_with_facets(
    user: User, wanted: QueueFilter, stopped: Stopped, shown: Sequence[UUID], views: Filters = ()
) -> tuple[Counted, Facets]:
    names = ("agent_id", "agent__name", "action_type")
    counts = _counts(user, wanted, shown, views)
    groups = list(open_requests(user).order_by().values(*names).annotate(**counts))
    sums = {name: sum(group[name] for group in groups) for name in counts}
    agents = {(group["agent_id"], group["agent__name"]) for group in groups}
    types = {group["action_type"] for group in groups}
    facets = Facets(sorted(agents, key=lambda agent: agent[1]), sorted(types))
    return _counted(sums, stopped, shown), facets


def _counts(
    user: User, wanted: QueueFilter, shown: Sequence[UUID], views: Filters
) -> dict[str, Count]:
    filters = {"waiting": Q(), "open": request_condition(wanted, user)}
    few = request_condition(wanted, user, few=True)
    filters["due"] = Q(deadline__lt=HitlNow() + DUE) & few
    filters["shown"] = Q(pk__in=shown) & few
    filters |= {f"view_{n}": request_condition(view, user) for n, view in enumerate(views)}
    return {name: Count("pk", filter=condition) for name, condition in filters.items()}


def _counted(sums: Mapping[str, int], stopped: Stopped, shown: Sequence[UUID]) -> Counted:
    present = len({takeover.id for takeover in stopped.matching}.intersection(shown))
    return Counted(
        totals=Totals(
            open=sums["open"],
            due=sums["due"],
            stopped=len(stopped.matching),
            shown=sums["shown"] + present,
        ),
        waiting=sums["waiting"] + stopped.total,
        by_view=[sums[f"view_{n}"] + count for n, count in enumerate(stopped.by_view)],
    )
