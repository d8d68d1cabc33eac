"""Everything that was asked: closed and open, newest first."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.access import visible_requests
from approvals.console.door import page
from approvals.console.filters import HistoryFilter, read_uuid
from approvals.console.history_chips import chips_of
from approvals.console.queue import COLUMNS, PAGE, RELATED, Row, as_rows
from approvals.console.verdict_facts import closing_condition, time_taken
from approvals.search import bounded_search, search_all, search_note
from approvals.vocabulary import Resolution, Status
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import readable_agents
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now

KEPT = ("said", "by", "closed_from", "closed_to", "took_from", "took_under")


@dataclass(frozen=True, slots=True)
class HistoryPage:
    rows: list[Row]
    next: str


@page
@require_safe
def show_requests(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    wanted = HistoryFilter.read(request.GET.dict())
    found = load_history_page(user, wanted, read_uuid(request.GET.get("after", "")))
    context = {
        "filter": wanted,
        "chips": chips_of(wanted),
        # What has no field of its own goes on with the form.
        "kept": [pair for pair in parse_qsl(wanted.query()) if pair[0] in KEPT],
        "search_note": search_note(wanted.q),
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


def load_history_page(user: User, wanted: HistoryFilter, after: UUID | None) -> HistoryPage:
    """By id, which sorts by creation: the primary key serves every team's newest at once."""
    requests = visible_requests(user)
    if wanted.took_from is not None or wanted.took_under is not None:
        requests = requests.annotate(took=time_taken())
    requests = requests.filter(_conditions(wanted) & closing_condition(wanted, user))
    if after is not None:
        requests = requests.filter(id__lt=after)
    found = requests.select_related(*RELATED).only(*COLUMNS, "execution").order_by("-id")
    with bounded_search() if wanted.q else nullcontext():
        rows = as_rows(found[: PAGE + 1], user, database_now())
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return HistoryPage(rows, rows[-1].id if more else "")


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
        conditions &= search_all(wanted.q)
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
