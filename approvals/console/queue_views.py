"""The queue's page."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.console.agent_forms import may_create_agents
from approvals.console.detail import load_detail
from approvals.console.door import answer_problem, page
from approvals.console.filters import QueueFilter, read_uuid
from approvals.console.queue import (
    MOST_SHOWN,
    PAGE,
    QueuePage,
    count_waiting,
    load_facets,
    load_queue,
)
from approvals.console.requests import request_context
from approvals.console.sorting import SORT_WORDS, Place, Sort
from hitlconsole.accounts.access import readable_teams
from hitlconsole.accounts.models import Agent, Team, User
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
    after = Place.read(request.GET.get("after", ""), wanted.sort)
    found = load_queue(user, wanted, after, size=read_size(request.GET.get("rows", "")))
    waiting = count_waiting(user, wanted, found.totals)
    request.nav_counts = {"queue": waiting}  # type: ignore[attr-defined]
    context = _list_context(wanted, found)
    if asks_for_fragment(request) and request.GET.get("part") == "rows":
        # The page has the rows before these as well; it tells how many once it asks what changed.
        context["summary"] = ""
        return render(request, "console/queue_rows.html", context)
    context |= _frame_context(user, wanted, found) | _open_context(request, user, wanted)
    return render(request, "console/queue.html", context)


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
        "summary": found.totals.words,
        "filter": wanted,
        "now": found.now,
        "more_url": f"?{wanted.query(after=found.next)}" if found.next else "",
        "end": found.next,
    }


def _frame_context(user: User, wanted: QueueFilter, found: QueuePage) -> dict[str, Any]:
    teams = list(readable_teams(user).order_by("name"))
    return {
        "teams": teams,
        "scope": scope_words(teams, user, wanted.sort),
        "facets": load_facets(user),
        "toggles": {name: wanted.toggled(name) for name in ("mine", "due", "strict")},
        "due_rows": found.due,
        "list_url": f"{reverse('console:queue')}?{wanted.query()}",
        "delta_url": f"{reverse('console:queue-delta')}?{wanted.query()}",
        "any_agents": bool(found.rows) or bool(found.takeovers) or Agent.objects.exists(),
        "may_create": partial(may_create_agents, user),
    }


def scope_words(teams: list[Team], user: User, sort: Sort) -> str:
    """What the list holds and in which order, as a sentence."""
    if user.is_superuser:
        return f"Pending for all teams, {SORT_WORDS[sort]}"
    names = [team.name for team in teams]
    if not names:
        return "You are in no team yet: you see requests of agents that you own"
    last = f" and {names[-1]}" if len(names) > 1 else names[0]
    return f"Pending for {', '.join(names[:-1])}{last}, {SORT_WORDS[sort]}"


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
