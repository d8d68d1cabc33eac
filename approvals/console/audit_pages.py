"""The record as pages: of one request, and of everything a person may see."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.access import get_request_for, visible_requests
from approvals.console.door import page
from approvals.console.filters import AuditFilter
from approvals.console.timelines import name_entries, named_timeline
from approvals.console.words import EVENT_WORDS
from audit.events import request_stream
from audit.models import AuditEvent
from audit.timeline import read_entries
from hitlconsole.accounts.access import readable_agents
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import current_user

PAGE = 50


@page
@require_safe
def show_request_timeline(request: HttpRequest, request_id: UUID) -> HttpResponse:
    item = get_request_for(current_user(request), request_id)
    context = {"request_item": item, "timeline": named_timeline(request_id)}
    return render(request, "audit/request.html", context)


@page
@require_safe
def show_timeline(request: HttpRequest) -> HttpResponse:
    """Newest first; events of the whole console for who sees all of it."""
    user = current_user(request)
    wanted = AuditFilter.read(request.GET.dict())
    events = readable_events(user).filter(_conditions(wanted)).order_by("-id")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        events = events.filter(id__lt=int(before))
    found = list(events[: PAGE + 1])
    return render(request, "audit/timeline.html", _context(user, wanted, found, bool(before)))


def _context(
    user: User, wanted: AuditFilter, found: list[AuditEvent], paged: bool
) -> dict[str, Any]:
    more = len(found) > PAGE
    found = found[:PAGE]
    return {
        "filter": wanted,
        "timeline": name_entries(read_entries(found)),
        "more_url": f"?{wanted.query(before=str(found[-1].pk))}" if more else "",
        "paged": paged,
        "types": sorted(EVENT_WORDS.items(), key=lambda pair: pair[1]),
        "agents": readable_agents(user).order_by("name").only("id", "name"),
    }


def readable_events(user: User) -> QuerySet[AuditEvent]:
    """Everything for who administers everything; for others what is about their own."""
    if user.is_superuser:
        return AuditEvent.objects.all()
    # EXISTS, so that reading from the newest stops after a page however long the record is.
    about_request = Exists(visible_requests(user).filter(pk=OuterRef("request_id")))
    about_agent = Exists(readable_agents(user).filter(pk=OuterRef("agent_id")))
    return AuditEvent.objects.filter(
        Q(about_request) | Q(about_agent, request_id=None) | Q(actor_id=user.id)
    )


def _conditions(wanted: AuditFilter) -> Q:
    conditions = Q()
    if wanted.type:
        conditions &= Q(type=wanted.type)
    if wanted.agent:
        conditions &= Q(agent_id=wanted.agent)
    if wanted.request:
        conditions &= Q(stream=request_stream(wanted.request))
    return conditions
