"""Everything that was asked: closed and open, newest first."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.access import visible_requests
from approvals.console.door import page
from approvals.console.filters import Cursor, HistoryFilter
from approvals.console.queue import COLUMNS, PAGE, RELATED, Row, as_rows, text_condition
from approvals.models import ApprovalRequest
from approvals.vocabulary import Resolution, Status
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import readable_agents
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now


@dataclass(frozen=True, slots=True)
class HistoryPage:
    rows: list[Row]
    next: str


@page
@require_safe
def show_requests(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    wanted = HistoryFilter.read(request.GET.dict())
    found = load_history_page(user, wanted, Cursor.read(request.GET.get("after", "")))
    context = {
        "filter": wanted,
        "rows": found.rows,
        "now": found.rows[0].now if found.rows else None,
        "more_url": f"?{wanted.query(after=found.next)}" if found.next else "",
        "paged": bool(request.GET.get("after")),
        "statuses": list(Status),
        "levels": list(Level),
        "resolutions": list(Resolution),
        "agents": readable_agents(user).order_by("name").only("id", "name"),
    }
    return render(request, "console/requests.html", context)


def load_history_page(user: User, wanted: HistoryFilter, after: Cursor | None) -> HistoryPage:
    requests = visible_requests(user).filter(_conditions(wanted))
    found = _older(requests, after).select_related(*RELATED).only(*COLUMNS, "execution")
    rows = as_rows(found.order_by("-created_at", "-id")[: PAGE + 1], user, database_now())
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    following = str(Cursor(rows[-1].request.created_at, rows[-1].request.id)) if more else ""
    return HistoryPage(rows, following)


def _older(requests: QuerySet[ApprovalRequest], after: Cursor | None) -> QuerySet[ApprovalRequest]:
    if after is None or after.moment is None:
        return requests
    earlier = Q(created_at__lt=after.moment) | Q(created_at=after.moment, id__lt=after.id)
    # The first condition is implied; it lets the index begin at the right place.
    return requests.filter(Q(created_at__lte=after.moment), earlier)


def _conditions(wanted: HistoryFilter) -> Q:
    conditions = _kinds(wanted)
    if wanted.agent:
        conditions &= Q(agent=wanted.agent)
    if wanted.type:
        conditions &= Q(action_type=wanted.type)
    if wanted.since:
        conditions &= Q(created_at__gte=midnight(wanted.since))
    if wanted.until:
        conditions &= Q(created_at__lt=midnight(wanted.until) + timedelta(days=1))
    if wanted.q:
        conditions &= text_condition(wanted.q)
    return conditions


def _kinds(wanted: HistoryFilter) -> Q:
    conditions = Q()
    if wanted.status:
        conditions &= Q(status=wanted.status)
    if wanted.level is not None:
        conditions &= Q(level=wanted.level)
    if wanted.resolution:
        conditions &= Q(resolution=wanted.resolution)
    return conditions


def midnight(day: str) -> datetime:
    """The day's first moment in UTC, in which the pages show times."""
    return datetime.combine(date.fromisoformat(day), time.min, UTC)
