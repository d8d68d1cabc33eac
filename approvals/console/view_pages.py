"""Keeping views: saving the filters of the queue under a name, naming, ordering, deleting."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from approvals.console.door import page
from approvals.console.filters import QueueFilter
from approvals.console.queue_words import filter_words
from approvals.console.saved_views import (
    MAX_NAME,
    MOST_VIEWS,
    choose_default,
    delete_view,
    load_views,
    move_view,
    read_query,
    rename_view,
    save_view,
)
from hitlconsole.accounts.access import readable_teams
from hitlconsole.accounts.models import Agent, User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.problems import Problem

MAX_SENT = 2000
DEEDS: dict[str, Callable[[User, UUID], None]] = {
    "forward": lambda user, view_id: move_view(user, view_id, -1),
    "back": lambda user, view_id: move_view(user, view_id, 1),
    "default": lambda user, view_id: choose_default(user, view_id, chosen=True),
    "plain": lambda user, view_id: choose_default(user, view_id, chosen=False),
    "delete": delete_view,
}


@page
@require_http_methods(["GET", "HEAD", "POST"])
def show_views(request: HttpRequest) -> HttpResponse:
    """All of them; with ?save= the form that keeps these filters, which a POST sends."""
    if request.method != "POST":
        return _render(request, saving=_read(request.GET.get("save", "")))
    wanted, name = _read(request.POST.get("query", "")), request.POST.get("name", "")
    try:
        saved = save_view(current_user(request), name, wanted or QueueFilter())
    except Problem as problem:
        return _render(request, saving=wanted, name=name, problem=problem)
    messages.success(request, f"Saved as {saved.name}.")
    return redirect(f"{reverse('console:queue')}?{saved.query}")


@page
@require_POST
def change_view(request: HttpRequest, view_id: UUID) -> HttpResponse:
    user, deed = current_user(request), request.POST.get("do", "")
    if deed != "rename" and deed not in DEEDS:
        raise Problem("invalid_request", "There is nothing of that name to do with a view.")
    try:
        if deed == "rename":
            rename_view(user, view_id, request.POST.get("name", ""))
        else:
            DEEDS[deed](user, view_id)
    except Problem as problem:
        if problem.code != "invalid_request":
            raise
        name = request.POST.get("name", "")
        return _render(request, renamed=view_id, name=name, problem=problem)
    return redirect("console:queue-views")


def _read(query: str) -> QueueFilter | None:
    return read_query(query[:MAX_SENT]) if query else None


def _render(
    request: HttpRequest,
    *,
    saving: QueueFilter | None = None,
    renamed: UUID | None = None,
    name: str = "",
    problem: Problem | None = None,
) -> HttpResponse:
    user = current_user(request)
    views = load_views(user)
    wanted = [view.wanted for view in views] + ([saving] if saving else [])
    describe = _describer(user, wanted)
    context: dict[str, Any] = {
        "views": [(view, describe(view.wanted)) for view in views],
        "saving": saving,
        "saving_words": describe(saving) if saving else "",
        "renamed": renamed,
        "name": name,
        "error": problem.detail if problem else "",
        "most_views": MOST_VIEWS,
        "max_name": MAX_NAME,
        "full": len(views) >= MOST_VIEWS,
    }
    return render(
        request, "console/queue_views.html", context, status=problem.status if problem else 200
    )


def _describer(user: User, wanted: list[QueueFilter]) -> Callable[[QueueFilter], str]:
    """What a view shows, in words, with the names that this person may read."""
    teams = dict(readable_teams(user).values_list("id", "name"))
    ids = [one.agent for one in wanted if one.agent]
    known = Agent.objects.filter(id__in=ids, team__in=readable_teams(user))
    agents = dict(known.values_list("id", "name")) if ids else {}
    return lambda one: filter_words(one, teams, agents)
