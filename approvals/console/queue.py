"""What waits for people: the queue's rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from approvals.closing import closing_words
from approvals.console.filters import QueueFilter
from approvals.console.held import Held, load_held
from approvals.console.queue_conditions import DUE, matching
from approvals.console.queue_counts import Counted, Facets, count_with_facets, load_stopped
from approvals.console.sorting import Place, backward, forward
from approvals.console.words import SILENCE_SHORT
from approvals.models import ApprovalRequest, Takeover
from approvals.representation import on_deadline
from approvals.vocabulary import OPEN
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import HitlNow, database_now
from hitlconsole.ui.formats import money

PAGE = 50
# The most rows of a page.
MOST_SHOWN = 1000
MOST_DUE = 5

COLUMNS = (
    "revision",
    "status",
    "level",
    "resolution",
    "action_type",
    "description",
    "cost_usd",
    "tier",
    "last_tier",
    "quorum",
    "silent_consent",
    "deadline",
    "claimed_until",
    "held_until",
    "created_at",
    "closed_at",
    "takeover_id",
    "agent__name",
    "agent__status",
    "team__name",
    "claimed_by__name",
    "closing_decision__reviewer__name",
    "closing_decision__verdict",
)
RELATED = ("agent", "team", "claimed_by", "closing_decision__reviewer")


@dataclass(frozen=True, slots=True)
class Row:
    """A request as lists show it to one person at one moment (components/request_row.html)."""

    request: ApprovalRequest
    viewer_id: UUID
    now: datetime
    url: str = ""
    verdict: Held | None = None

    takeover = False

    @property
    def id(self) -> str:
        return str(self.request.id)

    @property
    def choice(self) -> str:
        """What a ticked row sends: the request, and the revision that was seen."""
        return f"{self.request.id}:{self.request.revision}"

    @property
    def level(self) -> int:
        return self.request.level

    @property
    def title(self) -> str:
        return self.request.description

    @property
    def cost(self) -> str:
        """Unknown and nothing are left out: in a list they would say the same."""
        return money(self.request.cost_usd) if self.request.cost_usd else ""

    @property
    def agent(self) -> str:
        return f"{self.request.agent.name} · {self.request.action_type}"

    @property
    def created_at(self) -> datetime:
        return self.request.created_at

    @property
    def open(self) -> bool:
        return self.request.status in OPEN

    @property
    def deadline(self) -> datetime | None:
        return self.request.deadline if self.open else None

    @property
    def deadline_words(self) -> str:
        meaning = on_deadline(self.request)
        return SILENCE_SHORT[meaning] if meaning else ""

    @property
    def held(self) -> bool:
        until = self.request.claimed_until
        return self.request.claimed_by_id is not None and until is not None and until > self.now

    @property
    def holder(self) -> str:
        if not self.held or self.request.claimed_by is None:
            return ""
        mine = self.request.claimed_by_id == self.viewer_id
        return "you" if mine else self.request.claimed_by.name

    @property
    def outcome(self) -> str:
        return closing_words(self.request, viewer_id=self.viewer_id)

    @property
    def tag(self) -> str:
        """Changes when the row would look different (beside its clocks)."""
        holder = self.request.claimed_by_id if self.held else ""
        verdict = self.verdict.hold.id if self.verdict else ""
        return f"{self.request.revision}.{self.request.status}.{holder}.{verdict}"

    @property
    def urgent(self) -> bool:
        return self.deadline is not None and self.deadline - self.now < DUE


@dataclass(frozen=True, slots=True)
class TakeoverRow:
    """An unresolved takeover as a row of the queue, with its acknowledgement clock."""

    stopped: Takeover
    url: str = ""

    takeover = True
    level = Level.HUMAN_TAKEOVER.value
    cost = outcome = ""
    deadline_words = "to acknowledge"

    @property
    def id(self) -> str:
        return str(self.stopped.id)

    @property
    def title(self) -> str:
        return f"{self.stopped.agent.name} is stopped: {self.stopped.reason}"

    @property
    def agent(self) -> str:
        return self.stopped.agent.name

    @property
    def created_at(self) -> datetime:
        return self.stopped.started_at

    @property
    def deadline(self) -> datetime | None:
        """The clock stops when somebody says that they have it."""
        return None if self.stopped.acknowledged_at else self.stopped.acknowledge_by

    @property
    def holder(self) -> str:
        return self.stopped.acknowledged_by.name if self.stopped.acknowledged_by else ""

    # An agent is stopped: nobody should have to wait for that news.
    urgent = True


@dataclass(frozen=True, slots=True)
class QueuePage:
    now: datetime
    rows: Sequence[Row]
    takeovers: Sequence[TakeoverRow]
    counted: Counted
    facets: Facets
    next: str


def load_queue(
    user: User,
    wanted: QueueFilter,
    after: Place | None = None,
    *,
    size: int = PAGE,
    views: Sequence[QueueFilter] = (),
) -> QueuePage:
    """`after`: the end of the page before; `views` are counted along."""
    requests = matching(user, wanted)
    behind = requests.filter(after.after()) if after else requests
    found = list(_ordered(behind, wanted)[: size + 1])
    now = found[0].now if found else database_now()
    more = len(found) > size
    rows = as_rows(found[:size], user, now, wanted)
    stopped = load_stopped(user, wanted, views)
    takeovers = [] if after else [takeover_row(t, wanted) for t in stopped.matching]
    shown = [row.request.id for row in rows] + [row.stopped.id for row in takeovers]
    counted, facets = count_with_facets(user, wanted, stopped, shown, views)
    following = str(Place.of(rows[-1].request, wanted.sort)) if more else ""
    return QueuePage(now, rows, takeovers, counted, facets, following)


def _ordered(requests: QuerySet[ApprovalRequest], wanted: QueueFilter) -> Any:
    """With the database's time beside each."""
    return lean(requests).annotate(now=HitlNow()).order_by(*forward(wanted.sort))


def lean(requests: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    """Rows without the large columns (context, action, trace)."""
    return requests.select_related(*RELATED).only(*COLUMNS)


def as_rows(
    requests: Iterable[ApprovalRequest],
    user: User,
    now: datetime,
    wanted: QueueFilter | None = None,
) -> list[Row]:
    """With a filter the rows lead to the request beside the queue, otherwise to its own page."""
    found = list(requests)
    held = load_held(user, found, now)
    url = _urls(wanted)
    return [Row(request, user.id, now, url(request.id), held.get(request.id)) for request in found]


def _urls(wanted: QueueFilter | None) -> Callable[[UUID], str]:
    """What is the same in the addresses of all rows is made once."""
    if wanted is None:
        return lambda request_id: reverse("console:request", args=[request_id])
    before = f"{reverse('console:queue')}?{wanted.query(open='-')}".removesuffix("-")
    return lambda request_id: f"{before}{request_id}"


def _url(request_id: UUID, wanted: QueueFilter) -> str:
    return _urls(wanted)(request_id)


def takeover_row(takeover: Takeover, wanted: QueueFilter) -> TakeoverRow:
    if takeover.request_id is None:
        return TakeoverRow(takeover, reverse("console:agent", args=[takeover.agent_id]))
    return TakeoverRow(takeover, _url(takeover.request_id, wanted))


def next_open(user: User, wanted: QueueFilter, done: ApprovalRequest) -> UUID | None:
    """Where the queue goes on after a decision: behind it, and at the end from the top.

    What somebody's held verdict is about to close is nobody's next one.
    """
    others = matching(user, wanted).filter(held_until=None).exclude(pk=done.pk)
    place = Place.of(done, wanted.sort)
    return _first(others.filter(place.after()), wanted) or _first(others, wanted)


def load_due(user: User, wanted: QueueFilter, now: datetime) -> list[Row]:
    """The first few that are due within a minute, in whatever order the list is."""
    soon = lean(matching(user, wanted)).filter(deadline__lt=now + DUE).order_by("deadline", "id")
    return as_rows(soon[:MOST_DUE], user, now, wanted)


def _first(requests: QuerySet[ApprovalRequest], wanted: QueueFilter) -> UUID | None:
    return requests.order_by(*forward(wanted.sort)).values_list("id", flat=True).first()


def load_neighbours(user: User, wanted: QueueFilter, request: ApprovalRequest) -> tuple[str, str]:
    """The addresses of the previous and the next open request; empty at either end."""
    others = matching(user, wanted).exclude(pk=request.pk)
    here = Place.of(request, wanted.sort)
    following = _first(others.filter(here.after()), wanted)
    ahead = others.filter(here.before()).order_by(*backward(wanted.sort))
    before = ahead.values_list("id", flat=True).first()
    return (
        _url(before, wanted) if before else "",
        _url(following, wanted) if following else "",
    )
