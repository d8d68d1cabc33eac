"""The page of one request, alone and as a pane beside the queue."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.console.detail import detail_context, load_detail
from approvals.console.door import page
from approvals.console.edit_preview import EditPreview, action_types, form_of, schema_of
from approvals.console.filters import QueueFilter
from approvals.console.queue import load_neighbours
from approvals.console.timelines import named_timeline
from approvals.console.verdicts import Sent
from approvals.console.words import REJECT_REASONS
from approvals.models import ApprovalRequest
from approvals.services.presence import record_look
from approvals.vocabulary import Verdict
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import asks_for_fragment, current_user
from hitlconsole.lib.problems import Problem

MAX_BACK = 2000


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person had typed when the page comes back to them, and what was wrong with it."""

    sent: Sent | None = None
    errors: dict[str, str] = field(default_factory=dict)
    argument_errors: dict[str, str] = field(default_factory=dict)
    preview: EditPreview | None = None
    problem: Problem | None = None


NO_DRAFT = Draft()


@page
@require_safe
def show_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """As a fragment with ?from=queue, otherwise the whole page."""
    item = load_detail(current_user(request), request_id)
    return render_request(request, item)


def back_query(request: HttpRequest) -> str | None:
    """The queue's filters to which this page belongs; None where it stands alone."""
    values = request.POST if request.method == "POST" else request.GET
    if values.get("from") != "queue":
        return None
    return QueueFilter.read(QueryDict(values.get("back", "")[:MAX_BACK]).dict()).query()


def render_request(
    request: HttpRequest,
    item: ApprovalRequest,
    draft: Draft = NO_DRAFT,
    *,
    status: int = 200,
    flash: str = "",
    decided_id: str = "",
) -> HttpResponse:
    back = back_query(request)
    context = request_context(request, item, draft, back=back)
    context |= {"flash": flash, "decided_id": decided_id, "held_oob": request.method == "POST"}
    if asks_for_fragment(request) and context["back"] is not None:
        return render(request, "console/request_pane.html", context, status=status)
    context["timeline"] = named_timeline(item.id)
    return render(request, "console/request.html", context, status=status)


def request_context(
    request: HttpRequest,
    item: ApprovalRequest,
    draft: Draft = NO_DRAFT,
    *,
    back: str | None = None,
) -> dict[str, Any]:
    """`back`: the filters of the queue that the request stands beside."""
    user = current_user(request)
    record_look(item, user)
    context = detail_context(user, item)
    before, following = _neighbours(user, item, back)
    return context | {
        "previous_url": before,
        "next_url": following,
        "draft": draft,
        "sent": draft.sent,
        "armed": _armed(draft),
        **_edit_context(item, context, draft),
        "token": draft.sent.token if draft.sent and draft.errors else uuid4().hex,
        "presets": REJECT_REASONS,
        "back": back,
        "queue_url": queue_url(back),
    }


def _neighbours(user: User, item: ApprovalRequest, back: str | None) -> tuple[str, str]:
    if back is None:
        return "", ""
    return load_neighbours(user, QueueFilter.read(QueryDict(back).dict()), item)


def _armed(draft: Draft) -> str:
    """The verdict whose form is open, so that what was typed is in sight."""
    if draft.sent is None:
        return ""
    edits = draft.sent.verdict is Verdict.APPROVE_WITH_EDITS
    return "edit" if edits else draft.sent.verdict.value


def queue_url(back: str | None, **more: str) -> str:
    query = "&".join([part for part in (back, *(f"{k}={v}" for k, v in more.items())) if part])
    return reverse("console:queue") + (f"?{query}" if query else "")


def _edit_context(item: ApprovalRequest, context: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """The fields of the edit; nothing where the person can't edit."""
    if not context["powers"].may_approve:
        return {}
    chosen = (draft.sent and draft.sent.action_type) or item.action_type
    registered = context["registered"]
    known = registered.arguments_schema if registered else None
    schema = known if chosen == item.action_type else schema_of(chosen)
    return {
        "edit": form_of(item, draft.sent, draft.argument_errors, schema),
        "edit_type": chosen,
        "edit_types": action_types(),
    }
