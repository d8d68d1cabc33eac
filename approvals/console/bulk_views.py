"""The pages of doing one thing to several requests: look at all of them, commit, see what failed.

Claiming and releasing need no second look; whatever else is asked for shows every request first.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.access import visible_requests
from approvals.console.bulk import (
    MOST,
    Chosen,
    Deed,
    Order,
    Outcome,
    approval_obstacle,
    carry_out,
    load_chosen,
    possible_holders,
    read_chosen,
    seconds_to_hold,
)
from approvals.console.door import page
from approvals.console.filters import read_uuid
from approvals.console.held import remember_holds
from approvals.console.requests import back_query, queue_url
from approvals.console.verdicts import read_notes, read_preset, reason_words
from approvals.console.words import REJECT_REASONS
from approvals.models import ApprovalRequest
from hitlconsole.accounts.models import User
from hitlconsole.accounts.profile import preferences_of
from hitlconsole.accounts.sessions import current_user, signed_in_at
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem

KEPT = "bulk"
AT_ONCE = (Deed.CLAIM, Deed.RELEASE)
# (what the page and its button say, what is said when all of it is done)
DEED_WORDS = {
    Deed.CLAIM: ("Claim", "Claimed"),
    Deed.RELEASE: ("Release", "Released"),
    Deed.REASSIGN: ("Reassign", "Reassigned"),
    Deed.APPROVE: ("Approve", "Approved"),
    Deed.REJECT: ("Reject", "Rejected"),
    Deed.ESCALATE: ("Escalate", "Escalated"),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form of a deed asks for beside the requests."""

    preset: str = ""
    notes: str = ""
    to: UUID | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return reason_words(self.preset, self.notes)


@page
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """From the queue: done at once, or the page on which to commit."""
    deed, chosen = _read(request, "selected")
    if not chosen:
        messages.error(request, "Nothing is selected.")
        return redirect(_back(request))
    if deed in AT_ONCE:
        return _carry_out(request, Order(deed, current_user(request)), chosen)
    return _confirm(request, deed, chosen, Typed())


@page
@require_POST
def commit(request: HttpRequest) -> HttpResponse:
    deed, chosen = _read(request, "item")
    user = current_user(request)
    requests = load_chosen(user, chosen)
    typed = _read_typed(request, deed, requests)
    obstacle = approval_obstacle(requests) if deed is Deed.APPROVE else ""
    if typed.errors or obstacle or not chosen:
        return _confirm(request, deed, chosen, typed, status=422)
    order = Order(
        deed,
        user,
        notes=typed.words,
        to=next((one for one in possible_holders(requests) if one.id == typed.to), None),
        hold_seconds=seconds_to_hold(preferences_of(user).hold_seconds, len(chosen)),
        signed_in_at=signed_in_at(request),
    )
    return _carry_out(request, order, chosen)


def _read(request: HttpRequest, name: str) -> tuple[Deed, list[Chosen]]:
    """Raises invalid_request."""
    sent = request.POST.get("do", "")
    if sent not in set(Deed):
        raise Problem("invalid_request", "There is nothing of that name to do.")
    chosen = read_chosen(request.POST.getlist(name))
    if len(chosen) > MOST:
        detail = f"At most {MOST} requests at once; {len(chosen)} were selected. None was changed."
        raise Problem("invalid_request", detail)
    return Deed(sent), chosen


def _read_typed(request: HttpRequest, deed: Deed, requests: Sequence[ApprovalRequest]) -> Typed:
    post = request.POST
    typed = Typed(
        preset=read_preset(post) if deed is Deed.REJECT else "",
        notes=read_notes(post),
        to=read_uuid(post.get("to", "")),
    )
    typed.errors.update(_typed_errors(deed, typed, requests))
    return typed


def _typed_errors(deed: Deed, typed: Typed, requests: Sequence[ApprovalRequest]) -> dict[str, str]:
    if deed is Deed.REJECT and not typed.words:
        return {"notes": "Choose or write a reason: the agents get it."}
    if deed is Deed.ESCALATE and not typed.words:
        return {"notes": "Say why somebody else should decide."}
    if deed is Deed.REASSIGN and typed.to not in {one.id for one in possible_holders(requests)}:
        return {"to": "Choose who takes them over."}
    return {}


def _confirm(
    request: HttpRequest, deed: Deed, chosen: Sequence[Chosen], typed: Typed, status: int = 200
) -> HttpResponse:
    """Every request with what it would run; the form carries the revisions that are shown."""
    requests = load_chosen(current_user(request), chosen)
    seen = {one.id: one for one in chosen}
    obstacle = approval_obstacle(requests) if deed is Deed.APPROVE else ""
    context = {
        "deed": deed.value,
        "title": DEED_WORDS[deed][0],
        "items": [_item(one, seen[one.id]) for one in requests],
        "missing": len(chosen) - len(requests),
        "obstacle": obstacle,
        "cost": sum(one.cost_usd or 0 for one in requests),
        "unknown_costs": sum(one.cost_usd is None for one in requests),
        "people": possible_holders(requests) if deed is Deed.REASSIGN else (),
        "presets": REJECT_REASONS,
        "typed": typed,
        "back": back_query(request),
        "back_url": _back(request),
        "now": database_now(),
    }
    status = 409 if obstacle else status
    return render(request, "console/queue_bulk.html", context, status=status)


def _item(one: ApprovalRequest, seen: Chosen) -> dict[str, Any]:
    return {
        "request": one,
        "arguments": json.loads(bytes(one.action))["arguments"],
        "changed": one.revision if one.revision != seen.revision else 0,
        "seen": seen.revision,
        "value": str(Chosen(one.id, one.revision, seen.token)),
    }


def _carry_out(request: HttpRequest, order: Order, chosen: Sequence[Chosen]) -> HttpResponse:
    outcomes = carry_out(order, chosen)
    remember_holds(request, [one.held_until for one in outcomes])
    if not all(one.done for one in outcomes):
        return redirect("console:queue-bulk-result", _keep(request, order.deed, outcomes))
    if not any(one.held_until for one in outcomes):
        count = len(outcomes)
        words = f"{count} request{'' if count == 1 else 's'}"
        messages.success(request, f"{DEED_WORDS[order.deed][1]} {words}.")
    return redirect(_back(request))


def _keep(request: HttpRequest, deed: Deed, outcomes: Sequence[Outcome]) -> str:
    """The last result stays with the session, so that one can go to a request and come back."""
    name = uuid4().hex
    request.session[KEPT] = {
        "name": name,
        "deed": deed.value,
        "back": back_query(request),
        "outcomes": [(str(one.id), one.done, one.words) for one in outcomes],
    }
    return name


@page
@require_safe
def show_result(request: HttpRequest, name: str) -> HttpResponse:
    kept = request.session.get(KEPT) or {}
    if kept.get("name") != name:
        messages.error(request, "That result is kept no more; the requests themselves say it.")
        return redirect("console:queue")
    requests = _known(current_user(request), [identity for identity, _, _ in kept["outcomes"]])
    rows = [(requests.get(UUID(one)), done, words) for one, done, words in kept["outcomes"]]
    context = {
        "title": DEED_WORDS[Deed(kept["deed"])][0],
        "failed": [(one, words) for one, done, words in rows if not done],
        "done": [(one, words) for one, done, words in rows if done],
        "back_url": queue_url(kept["back"]),
    }
    return render(request, "console/queue_bulk_result.html", context)


def _known(user: User, ids: Sequence[str]) -> dict[UUID, ApprovalRequest]:
    """Those that the person may still see."""
    found = visible_requests(user).select_related("agent").defer("context", "action")
    return found.in_bulk([UUID(identity) for identity in ids])


def _back(request: HttpRequest) -> str:
    return queue_url(back_query(request))
