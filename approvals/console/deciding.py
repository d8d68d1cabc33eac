"""Deciding from the page: every form works as a plain POST, and comes back with its draft."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from approvals.console.decided import decided_words
from approvals.console.detail import load_detail, risk_words
from approvals.console.door import page
from approvals.console.edit_preview import LOOK_AT_FIELDS, by_place, of_edit, take_edit
from approvals.console.edit_reading import NotReadable
from approvals.console.filters import QueueFilter
from approvals.console.held import remember_holds
from approvals.console.queue import next_open
from approvals.console.requests import Draft, back_query, queue_url, render_request
from approvals.console.verdicts import Sent, Unreadable, form_errors, read_sent
from approvals.models import ApprovalRequest
from approvals.services.decide import decide_request
from approvals.services.holds import HOLDABLE, holds_verdict
from approvals.vocabulary import OPEN, Channel, Verdict
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import User
from hitlconsole.accounts.profile import preferences_of
from hitlconsole.accounts.sessions import asks_for_fragment, current_user, signed_in_at
from hitlconsole.lib.problems import Problem

# A page that comes back with its draft; whatever else is refused has no form to come back to.
WITH_DRAFT = frozenset(
    (
        "invalid_request",
        "not_allowed",
        "already_closed",
        "stale_revision",
        "waiting_for_answer",
        "agent_read_only",
        "no_tier_left",
        "takeover_conflict",
        "decision_held",
        "not_held",
        "evidence_not_opened",
        "sign_in_too_old",
    )
)


@page
@require_POST
def decide(request: HttpRequest, request_id: UUID) -> HttpResponse:
    try:
        sent = read_sent(request.POST.dict())
    except Unreadable as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    user = current_user(request)
    item = load_detail(user, request_id)
    errors = form_errors(sent, Level(item.level)) if item.status in OPEN else {}
    if errors:
        return render_request(request, item, Draft(sent, errors), status=422)
    if sent.verdict is Verdict.APPROVE_WITH_EDITS:
        return _edit(request, item, sent)
    return _apply(request, item, sent, None)


def _edit(request: HttpRequest, item: ApprovalRequest, sent: Sent) -> HttpResponse:
    """Applied, or the form again: with what is wrong, or with what it would do."""
    try:
        step = take_edit(item, sent)
    except NotReadable as error:
        draft = Draft(sent, {"edit": LOOK_AT_FIELDS}, error.errors)
        return render_request(request, item, draft, status=422)
    if step.action is not None:
        return _apply(request, item, sent, step.action)
    if step.typed is not None:
        sent = replace(sent, typed=step.typed)
    draft = Draft(sent, step.errors, step.argument_errors, step.preview)
    return render_request(request, item, draft, status=422 if step.argument_errors else 200)


def _apply(
    request: HttpRequest, item: ApprovalRequest, sent: Sent, edited: dict[str, Any] | None
) -> HttpResponse:
    user = current_user(request)
    try:
        decided = decide_request(
            request_id=item.id,
            reviewer=user,
            verdict=sent.verdict,
            revision=sent.revision,
            channel=Channel.WEB,
            notes=sent.words,
            edited_action=edited,
            token=sent.token,
            tier=sent.tier if sent.verdict is Verdict.ESCALATE else None,
            acknowledged=risk_words(item) if sent.checked else "",
            signed_in_at=signed_in_at(request),
            hold_seconds=preferences_of(user).hold_seconds,
        )
    except Problem as problem:
        if problem.code not in WITH_DRAFT:
            raise
        return _refused(request, user, item.id, sent, problem)
    remember_holds(request, [decided.held_until])
    return _decided(request, item, decided, sent)


def _refused(
    request: HttpRequest, user: User, request_id: UUID, sent: Sent, problem: Problem
) -> HttpResponse:
    """The page as it is now, with what was typed: a conflict loses nobody's words."""
    item = load_detail(user, request_id)
    arguments = by_place([error for error in problem.errors if of_edit(error)])
    fields = {str(error.loc[0]): error.msg for error in problem.errors if not of_edit(error)}
    if arguments:
        fields["edit"] = problem.detail or LOOK_AT_FIELDS
    draft = Draft(sent, fields, arguments, problem=None if fields else problem)
    return render_request(request, item, draft, status=problem.status)


def _decided(
    request: HttpRequest, before: ApprovalRequest, decided: ApprovalRequest, sent: Sent
) -> HttpResponse:
    """On with the next one, where the decision came from the queue."""
    user = current_user(request)
    item = load_detail(user, decided.id)
    words = f"{decided_words(item, sent.verdict, user)}: {item.description}"
    if sent.verdict in HOLDABLE and holds_verdict(user, item):
        words = ""  # the strip says it, with the way back
    back = back_query(request)
    if back is None:
        _say(request, words, item)
        return redirect("console:request", item.id)
    following = _following(user, before, back)
    url = queue_url(back, **({"open": str(following)} if following else {}))
    if not asks_for_fragment(request):
        _say(request, words, item)
        return redirect(url)
    response = _next_pane(request, user, following, words, str(item.id))
    response["HX-Push-Url"] = url
    return response


def _say(request: HttpRequest, words: str, item: ApprovalRequest) -> None:
    if words:
        messages.success(request, words, extra_tags=f"draft-done:{item.id}")


def _following(user: User, before: ApprovalRequest, back: str) -> UUID | None:
    """Behind the place that the request had: closing took its clock away."""
    wanted = QueueFilter.read(QueryDict(back).dict())
    return next_open(user, wanted, before)


def _next_pane(
    request: HttpRequest, user: User, following: UUID | None, words: str, decided_id: str
) -> HttpResponse:
    if following is None:
        context = {"flash": words, "decided_id": decided_id, "held_oob": True}
        return render(request, "console/empty_pane.html", context)
    item = load_detail(user, following)
    return render_request(request, item, flash=words, decided_id=decided_id)
