"""The queue's page."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.console.agent_forms import may_create_agents
from approvals.console.detail import load_detail
from approvals.console.door import answer_problem, page
from approvals.console.filters import QueueFilter, ignored_filters, read_uuid
from approvals.console.queue import MOST_SHOWN, PAGE, QueuePage, Row, load_due, load_queue
from approvals.console.queue_frame import frame_context
from approvals.console.requests import request_context
from approvals.console.saved_views import View, load_views
from approvals.console.sorting import Place
from hitlconsole.accounts.access import own_teams
from hitlconsole.accounts.models import Agent, User
from hitlconsole.accounts.sessions import asks_for_fragment, current_user
from hitlconsole.lib.problems import Problem


@page
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """The list, and beside it the request that ?open= names; a script gets the part it needs."""
    user = current_user(request)
    wanted = QueueFilter.read(request.GET.dict())
    if asks_for_fragment(request) and request.headers.get("HX-Target") == "detail":
        return _pane(request, user, wanted)
    views = load_views(user)
    if not request.GET and views and views[0].default:
        return redirect(f"{reverse('console:queue')}?{views[0].query}")
    found = _load(request, user, wanted, views)
    if asks_for_fragment(request) and request.GET.get("part") == "rows":
        # The page has the rows before these as well; it tells how many once it asks what changed.
        return render(request, "console/queue_rows.html", _list_context(wanted, found))
    request.nav_counts = {"queue": found.counted.waiting}  # type: ignore[attr-defined]
    return render_queue(request, user, wanted, found, views)


def _load(request: HttpRequest, user: User, wanted: QueueFilter, views: list[View]) -> QueuePage:
    after = Place.read(request.GET.get("after", ""), wanted.sort)
    size = read_size(request.GET.get("rows", ""))
    return load_queue(user, wanted, after, size=size, views=[view.wanted for view in views])


def render_queue(
    request: HttpRequest, user: User, wanted: QueueFilter, found: QueuePage, views: list[View]
) -> HttpResponse:
    teams = own_teams(user)
    context = _list_context(wanted, found) | frame_context(user, wanted, found, teams, views)
    context |= {
        "summary": found.counted.totals.words,
        "due_rows": _due_rows(user, wanted, found),
        "ignored": ignored_filters(request.GET.dict()),
        "any_agents": bool(found.rows) or bool(found.takeovers) or Agent.objects.exists(),
        "may_create": partial(may_create_agents, user),
    }
    context |= _open_context(request, user, wanted)
    return render(request, "console/queue.html", context)


def _due_rows(user: User, wanted: QueueFilter, found: QueuePage) -> list[Row]:
    return load_due(user, wanted, found.now) if found.counted.totals.due else []


def _pane(request: HttpRequest, user: User, wanted: QueueFilter) -> HttpResponse:
    context = _open_context(request, user, wanted)
    if "open_problem" in context:
        return answer_problem(request, context["open_problem"])
    name = "console/request_pane.html" if context else "console/empty_pane.html"
    return render(request, name, context)


def _list_context(wanted: QueueFilter, found: QueuePage) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "takeovers": found.takeovers,
        "filter": wanted,
        "now": found.now,
        "more_url": f"?{wanted.query(after=found.next)}" if found.next else "",
        "end": found.next,
    }


def _open_context(request: HttpRequest, user: User, wanted: QueueFilter) -> dict[str, Any]:
    """The open request's own context, without which the right half says what to do."""
    request_id = read_uuid(request.GET.get("open", ""))
    if request_id is None:
        return {}
    try:
        item = load_detail(user, request_id)
    except Problem as problem:
        return {"open_problem": problem}
    return request_context(request, item, back=wanted.query()) | {"open_id": str(item.id)}


def read_size(text: str) -> int:
    """How many rows a page has; a script that inserts among many asks for as many."""
    return min(max(int(text[:9]), PAGE), MOST_SHOWN) if text.isdecimal() else PAGE
