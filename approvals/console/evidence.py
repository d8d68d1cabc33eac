"""The evidence of a request: what its agent sent beside the action, in panes to be read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.access import get_request_for
from approvals.console.door import page
from approvals.console.thread import load_messages
from approvals.models import ApprovalRequest, Message
from approvals.services.evidence import record_evidence_look
from approvals.vocabulary import OPEN
from hitlconsole.accounts.sessions import asks_for_fragment, current_user
from hitlconsole.ui.fields import json_rows

# More than that is fetched when somebody opens it, not with every look at the page.
LARGE = 16 * 1024
# A pane of more rows is folded until somebody opens it or searches.
LONG = 200


class Shape(StrEnum):
    TEXT = "text"
    STEPS = "steps"
    VALUES = "values"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Pane:
    """`what`: what the agent does with it, behind its name ("reports these steps")."""

    title: str
    what: str
    shape: Shape
    value: Any
    hint: str = ""

    @property
    def words(self) -> str:
        if self.shape is Shape.STEPS:
            return self.hint
        return f"{self.title.lower()} of {self.hint}" if self.hint else self.title.lower()

    @property
    def is_open(self) -> bool:
        return self.shape is not Shape.VALUES or len(json_rows(self.value)) <= LONG


@dataclass(frozen=True, slots=True)
class Evidence:
    """`size` in characters; `opaque`: in bytes, what the agent keeps for itself."""

    panes: Sequence[Pane]
    given: bool
    size: int
    opaque: int

    @property
    def is_large(self) -> bool:
        return self.size > LARGE

    @property
    def words(self) -> str:
        """What there is, without it: "task, 50 steps, state"."""
        if not self.given:
            return "the agent gave no context: what counts is the action, to the byte"
        return f"{', '.join(pane.words for pane in self.panes)} ({_kilobytes(self.size)})"


def load_evidence(request: ApprovalRequest, messages: Sequence[Message]) -> Evidence:
    """`messages`: those about the request."""
    panes = [*_context_panes(request.context or {}), *_added_panes(messages)]
    given = bool(panes)
    if not given:
        panes = [_exact_pane(request)]
    if request.metadata:
        panes.append(Pane("Metadata", "labels it", Shape.VALUES, request.metadata))
    size = sum(len(_text(pane.value)) for pane in panes)
    opaque = 0 if request.resume_state is None else len(_text(request.resume_state).encode())
    return Evidence(panes, given, size, opaque)


def _context_panes(context: dict[str, Any]) -> Iterator[Pane]:
    if context.get("task"):
        yield Pane("Task", "describes its task", Shape.TEXT, context["task"])
    steps = context.get("history")
    if steps:
        hint = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
        yield Pane("What it did before", "reports its steps", Shape.STEPS, steps, hint)
    state = context.get("state")
    if state:
        yield Pane("State", "reports this state", Shape.VALUES, state, _count(state))


def _added_panes(messages: Sequence[Message]) -> Iterator[Pane]:
    """What the agent sent with its answers and afterwards."""
    added = [one for one in messages if one.person_id is None and one.data is not None]
    for number, message in enumerate(added, start=1):
        title = f"Sent later, {number}"
        yield Pane(title, f"adds: {message.text}", Shape.VALUES, message.data)


def _exact_pane(request: ApprovalRequest) -> Pane:
    return Pane("The action", "wants exactly this", Shape.EXACT, bytes(request.action).decode())


def _count(value: Any) -> str:
    count = len(json_rows(value))
    return f"{count} value{'' if count == 1 else 's'}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kilobytes(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size / 1024:,.0f} kB"


@page
@require_safe
def show_evidence(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """As a fragment for a script, otherwise as a page of its own. That it was opened is kept."""
    user = current_user(request)
    item = get_request_for(user, request_id)
    if _is_looked_at(request):
        record_evidence_look(item, user)
    whole = not asks_for_fragment(request)
    name = "console/evidence_page.html" if whole else "console/evidence.html"
    asked_for = not whole and item.status in OPEN
    context = {
        "request_item": item,
        "evidence": load_evidence(item, load_messages(item)),
        "evidence_oob": asked_for,
    }
    return render(request, name, context)


def _is_looked_at(request: HttpRequest) -> bool:
    """Not where a browser asks ahead of its person, or for no content."""
    return request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", "")


@page
@require_safe
def download_action(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """The bytes that are hashed, and run if they are approved."""
    item = get_request_for(current_user(request), request_id)
    response = HttpResponse(bytes(item.action), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="action-{item.id}.json"'
    return response
