"""The queue's page and the delta that keeps it live."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.console.agent_forms import may_create_agents
from approvals.console.detail import load_detail
from approvals.console.door import answer_problem, page
from approvals.console.filters import Cursor, QueueFilter, read_uuid
from approvals.console.queue import (
    PAGE,
    Changes,
    QueuePage,
    Row,
    count_waiting,
    load_changes,
    load_facets,
    load_queue,
)
from approvals.console.requests import request_context
from approvals.services.presence import record_presence
from hitlconsole.accounts.access import readable_teams
from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.accounts.sessions import asks_for_fragment, current_user
from hitlconsole.lib.problems import Problem

MOST_SHOWN = 1000


@page
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """The list, and beside it the request that ?open= names; a script gets the part it needs."""
    user = current_user(request)
    wanted = QueueFilter.read(request.GET.dict())
    if asks_for_fragment(request) and request.headers.get("HX-Target") == "detail":
        return _pane(request, user, wanted)
    after = Cursor.read(request.GET.get("after", ""))
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
        "scope": scope_words(teams, user),
        "facets": load_facets(user),
        "toggles": {name: wanted.toggled(name) for name in ("mine", "due", "strict")},
        "due_rows": found.due,
        "list_url": f"{reverse('console:queue')}?{wanted.query()}",
        "delta_url": f"{reverse('console:queue-delta')}?{wanted.query()}",
        "any_agents": bool(found.rows) or bool(found.takeovers) or Agent.objects.exists(),
        "may_create": partial(may_create_agents, user),
    }


def scope_words(teams: list[Team], user: User) -> str:
    """What the list holds, as a sentence."""
    if user.is_superuser:
        return "Pending for all teams, by deadline"
    names = [team.name for team in teams]
    if not names:
        return "You are in no team yet: you see requests of agents that you own"
    last = f" and {names[-1]}" if len(names) > 1 else names[0]
    return f"Pending for {', '.join(names[:-1])}{last}, by deadline"


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


@page
@require_safe
def delta(request: HttpRequest) -> HttpResponse:
    """What changed about the rows that a page shows; 204 where nothing did.

    A visible page with the whole queue is somebody looking: that is the presence on which silent
    consent rests, so a filtered queue, one that goes on beyond the page and a single request's page
    don't count.
    """
    user = current_user(request)
    wanted = QueueFilter.read(request.GET.dict())
    whole = not wanted.active and "only" not in request.GET and not request.GET.get("end")
    if whole and request.GET.get("visible") == "1" and request.method == "GET":
        record_presence(user)
    since = read_moment(request.GET.get("since", ""))
    if since is None:
        raise Problem("invalid_request", "since must be a time that the page was made with")
    end = Cursor.read(request.GET.get("end", ""))
    changes = load_changes(user, wanted, shown=read_ids(request), since=since, end=end)
    revision = changes.revision
    if revision == request.GET.get("revision"):
        return HttpResponse(status=204)
    return JsonResponse(delta_body(changes) | {"revision": revision})


def read_ids(request: HttpRequest) -> list[UUID]:
    parts = request.GET.get("shown", "").split(",")[:MOST_SHOWN]
    return [uuid for uuid in map(read_uuid, parts) if uuid is not None]


def read_size(text: str) -> int:
    """How many rows a page has; a script that inserts among many asks for as many."""
    return min(max(int(text[:9]), PAGE), MOST_SHOWN) if text.isdecimal() else PAGE


def read_moment(text: str) -> datetime | None:
    try:
        # A plus sign that was not quoted arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def delta_body(changes: Changes) -> dict[str, Any]:
    """The contract of static/js/live.js."""
    now = changes.now
    return {
        "rows": {row.id: _slots(row) for row in changes.shown},
        "gone": {row.id: _slot("outcome", row) for row in changes.shown if not row.open}
        | dict.fromkeys(changes.released, "Released"),
        "new": [row.id for row in changes.new],
        "new_count": len(changes.new),
        "new_more": changes.more,
        "urgent": sum(row.urgent for row in changes.new),
        "counts": {"queue": changes.waiting},
        "summary": changes.totals.words,
        "due": render_to_string("console/due.html", {"due_rows": changes.due, "now": now}),
        "server_time": now.isoformat(),
    }


SLOTS = ("level", "status", "due", "holder")


def _slots(row: Row) -> dict[str, str]:
    slots = {name: _slot(name, row) for name in SLOTS}
    return slots | {"@revision": str(row.request.revision)}


def _slot(name: str, row: Row) -> str:
    return render_to_string(f"console/slots/{name}.html", {"row": row, "now": row.now}).strip()
