"""What waits for people: the queue's rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from approvals.access import in_sight, visible_requests
from approvals.closing import closing_words
from approvals.console.filters import QueueFilter
from approvals.console.sorting import Place, backward, forward
from approvals.console.words import SILENCE_SHORT
from approvals.models import OPEN_VALUES, ApprovalRequest, Takeover
from approvals.representation import on_deadline
from approvals.vocabulary import OPEN, Status, TakeoverStatus
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import HitlNow, database_now
from hitlconsole.ui.formats import money

PAGE = 50
# The most rows of a page.
MOST_SHOWN = 1000
SOON = timedelta(minutes=15)
DUE = timedelta(seconds=60)
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
    takeover: bool = False

    @property
    def id(self) -> str:
        return str(self.request.id)

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
        return f"{self.request.revision}.{self.request.status}.{holder}"

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
class QueuePage:
    now: datetime
    rows: Sequence[Row]
    takeovers: Sequence[TakeoverRow]
    totals: Totals
    next: str

    @property
    def due(self) -> list[Row]:
        """The first few that are due within a minute: by deadline they come first."""
        return [row for row in self.rows if row.urgent][:MOST_DUE]


def matching(user: User, wanted: QueueFilter) -> QuerySet[ApprovalRequest]:
    """Open requests that this person may see and that the filter keeps."""
    requests = visible_requests(user).filter(status__in=OPEN_VALUES)
    return requests.filter(_conditions(wanted, user))


def _conditions(wanted: QueueFilter, user: User) -> Q:
    conditions = _place_conditions(wanted)
    if wanted.mine:
        conditions &= Q(claimed_by=user, claimed_until__gt=HitlNow())
    if wanted.due:
        conditions &= Q(deadline__lt=HitlNow() + SOON)
    if wanted.strict:
        conditions &= Q(level__gte=Level.HARD_APPROVAL)
    if wanted.escalated:
        conditions &= Q(status=Status.ESCALATED) | Q(tier__gt=0)
    return conditions


def _place_conditions(wanted: QueueFilter) -> Q:
    conditions = Q()
    if wanted.team:
        conditions &= Q(team=wanted.team)
    if wanted.agent:
        conditions &= Q(agent=wanted.agent)
    if wanted.type:
        conditions &= Q(action_type=wanted.type)
    if wanted.q:
        conditions &= text_condition(wanted.q)
    return conditions


def text_condition(text: str) -> Q:
    return (
        Q(description__icontains=text)
        | Q(agent__name__icontains=text)
        | Q(action_type__icontains=text)
    )


def load_queue(
    user: User, wanted: QueueFilter, after: Place | None = None, *, size: int = PAGE
) -> QueuePage:
    requests = matching(user, wanted)
    behind = requests.filter(after.after()) if after else requests
    found = list(_ordered(behind, wanted)[: size + 1])
    now = found[0].now if found else database_now()
    more = len(found) > size
    rows = as_rows(found[:size], user, now, wanted)
    following = str(Place.of(rows[-1].request, wanted.sort)) if more else ""
    stopped = list(open_takeovers(user, wanted))
    takeovers = [] if after else [takeover_row(takeover, wanted) for takeover in stopped]
    shown = [row.request.id for row in rows] + [row.stopped.id for row in takeovers]
    return QueuePage(now, rows, takeovers, count_totals(requests, stopped, shown), following)


def _ordered(requests: QuerySet[ApprovalRequest], wanted: QueueFilter) -> Any:
    """With the database's time beside each."""
    return lean(requests).annotate(now=HitlNow()).order_by(*forward(wanted.sort))


def count_totals(
    requests: QuerySet[ApprovalRequest], stopped: Sequence[Takeover], shown: Sequence[UUID]
) -> Totals:
    counted = requests.aggregate(
        open=Count("pk"),
        due=Count("pk", filter=Q(deadline__lt=HitlNow() + DUE)),
        shown=Count("pk", filter=Q(pk__in=shown)),
    )
    counted["shown"] += len({takeover.id for takeover in stopped}.intersection(shown))
    return Totals(**counted, stopped=len(stopped))


def count_waiting(user: User, wanted: QueueFilter, totals: Totals) -> int:
    """All that waits for this person, whatever the filter (with `totals`) leaves of it."""
    if not wanted.active:
        return totals.waiting
    everything = QueueFilter()
    return matching(user, everything).count() + open_takeovers(user, everything).count()


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
    return [Row(request, user.id, now, _url(request.id, wanted)) for request in requests]


def _url(request_id: UUID, wanted: QueueFilter | None) -> str:
    if wanted is None:
        return reverse("console:request", args=[request_id])
    return f"{reverse('console:queue')}?{wanted.query(open=str(request_id))}"


def takeover_row(takeover: Takeover, wanted: QueueFilter) -> TakeoverRow:
    if takeover.request_id is None:
        return TakeoverRow(takeover, reverse("console:agent", args=[takeover.agent_id]))
    return TakeoverRow(takeover, _url(takeover.request_id, wanted))


def open_takeovers(user: User, wanted: QueueFilter) -> QuerySet[Takeover]:
    """By acknowledgement clock; "mine" are those that the person has acknowledged."""
    takeovers = Takeover.objects.filter(in_sight(user), status=TakeoverStatus.OPEN)
    takeovers = takeovers.select_related("agent", "team", "request", "acknowledged_by")
    if wanted.mine:
        takeovers = takeovers.filter(acknowledged_by=user)
    return takeovers.filter(_takeover_conditions(wanted)).order_by("acknowledge_by")


def _takeover_conditions(wanted: QueueFilter) -> Q:
    conditions = Q()
    if wanted.team:
        conditions &= Q(team=wanted.team)
    if wanted.agent:
        conditions &= Q(agent=wanted.agent)
    if wanted.type:
        conditions &= Q(request__action_type=wanted.type)
    if wanted.q:
        conditions &= Q(agent__name__icontains=wanted.q) | Q(reason__icontains=wanted.q)
    if wanted.due:
        conditions &= Q(acknowledge_by__lt=HitlNow() + SOON)
    return conditions


@dataclass(frozen=True, slots=True)
class Facets:
    """What the filters offer: agents and action types that have something open."""

    agents: Sequence[tuple[UUID, str]]
    types: Sequence[str]


def load_facets(user: User) -> Facets:
    found = (
        visible_requests(user)
        .filter(status__in=OPEN_VALUES)
        .order_by()
        .values_list("agent_id", "agent__name", "action_type")
        .distinct()[:500]
    )
    agents = {(agent_id, name) for agent_id, name, _ in found}
    types = {action_type for _, _, action_type in found}
    return Facets(sorted(agents, key=lambda agent: agent[1]), sorted(types))


def next_open(user: User, wanted: QueueFilter, done: ApprovalRequest) -> UUID | None:
    """Where the queue goes on after a decision: behind it, and at the end from the top.

    What somebody's held verdict is about to close is nobody's next one.
    """
    others = matching(user, wanted).filter(held_until=None).exclude(pk=done.pk)
    place = Place.of(done, wanted.sort)
    return _first(others.filter(place.after()), wanted) or _first(others, wanted)


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
