"""Undoing what is held: the verdict comes back as a draft, and nothing was decided."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.console.detail import load_detail
from approvals.console.door import page
from approvals.console.held import own_held
from approvals.console.requests import Draft, render_request
from approvals.console.verdicts import Sent
from approvals.models import ApprovalRequest, Hold
from approvals.services.holds import undo_hold
from approvals.vocabulary import Verdict
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.problems import Problem

UNDONE = "Undone: nothing was decided, and the agent heard nothing."


@page
@require_POST
def undo(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """The request as it is, with the words of the undone verdict in its form."""
    user = current_user(request)
    try:
        hold = undo_hold(request_id=request_id, reviewer=user)
    except Problem as problem:
        if problem.code != "not_held":
            raise
        item = load_detail(user, request_id)
        return render_request(request, item, Draft(problem=problem), status=problem.status)
    item = load_detail(user, request_id)
    return render_request(request, item, Draft(_draft(hold, item)), flash=UNDONE)


def _draft(hold: Hold, item: ApprovalRequest) -> Sent:
    return Sent(
        verdict=Verdict(hold.verdict),
        revision=item.revision,
        token=uuid4().hex,
        notes=hold.notes,
        checked=bool(hold.acknowledged),
    )


@page
@require_POST
def undo_all(request: HttpRequest) -> HttpResponse:
    """Whatever the person holds and may still undo, or what of it was given together; the rest
    counts, and is said.
    """
    user, undone, counted = current_user(request), 0, 0
    batch = request.POST.get("batch", "")
    for held in [held for held in own_held(request) if batch in ("", held.batch)]:
        try:
            undo_hold(request_id=held.request_id, reviewer=user)
            undone += 1
        except Problem as problem:
            if problem.code != "not_held":
                raise
            counted += 1
    if undone:
        messages.success(request, f"Undone: {undone}. Nothing of it was decided.")
    if counted or not undone:
        messages.error(request, f"{counted} count already." if counted else "Nothing is held.")
    return redirect("console:queue")
