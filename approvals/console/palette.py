"""What the command palette (static/js/palette.js) knows beside the page that it is opened on."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.console.door import page
from approvals.console.filters import read_search
from approvals.console.saved_views import load_views
from approvals.models import ApprovalRequest
from approvals.search import find_requests
from autonomy.models import ActionType
from hitlconsole.accounts.access import readable_agents
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.ui.untrusted import visible_text
from hitlconsole.ui.words import level_look, state_look

MOST_NAMED = 300
MOST_FOUND = 8


@page
@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """Without words: what has a name. With some: the requests that they find, newest first.

    Every text is ready to be shown, with what is invisible in it made visible.
    """
    user, text = current_user(request), read_search(request.GET.get("q", ""))
    items = _found(user, text) if text else _named(user)
    return JsonResponse({"items": list(items)})


def _item(kind: str, label: str, url: str, hint: str = "") -> dict[str, Any]:
    return {"kind": kind, "label": visible_text(label), "hint": visible_text(hint), "url": url}


def _named(user: User) -> Iterator[dict[str, Any]]:
    for view in load_views(user):
        yield _item("View", view.name, f"{reverse('console:queue')}?{view.query}")
    agents = readable_agents(user).order_by("name").values_list("pk", "name")
    for pk, name in agents[:MOST_NAMED]:
        yield _item("Agent", name, reverse("console:agent", args=[pk]))
    types = ActionType.objects.order_by("name").values_list("pk", "name")
    for pk, name in types[:MOST_NAMED]:
        yield _item("Action type", name, reverse("console:action-type", args=[pk]))


def _found(user: User, text: str) -> Iterator[dict[str, Any]]:
    for found in find_requests(user, text, MOST_FOUND):
        address = reverse("console:request", args=[found.pk])
        yield _item("Request", found.description, address, _about(found))


def _about(found: ApprovalRequest) -> str:
    level, state = level_look(found.level).short.lower(), state_look(found.status).label.lower()
    return ", ".join((found.action_type, found.agent.name, level, state))
