"""Working on a request without deciding it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.console.detail import load_detail
from approvals.console.door import page
from approvals.console.filters import read_uuid
from approvals.console.requests import back_query, queue_url, render_request
from approvals.services.claims import (
    claim_request,
    comment_on_request,
    extend_deadline,
    reassign_request,
    release_claim,
)
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import asks_for_fragment, current_user
from hitlconsole.lib.problems import Problem, invalid_field

Service = Callable[..., Any]


@page
@require_POST
def claim(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """With `renew` from a script, which has no page to come back to."""
    if request.POST.get("renew"):
        claim_request(request_id=request_id, reviewer=current_user(request))
        return HttpResponse(status=204)
    return _work(request, request_id, claim_request, "You work on this for the next 10 minutes.")


@page
@require_POST
def release(request: HttpRequest, request_id: UUID) -> HttpResponse:
    return _work(request, request_id, release_claim, "Released: others see that it is free.")


@page
@require_POST
def reassign(request: HttpRequest, request_id: UUID) -> HttpResponse:
    def hand_on(*, request_id: UUID, reviewer: User) -> None:
        to = read_uuid(request.POST.get("to", ""))
        if to is None:
            raise invalid_field("to", "Choose who should work on it.")
        reassign_request(request_id=request_id, reviewer=reviewer, to=to)

    return _work(request, request_id, hand_on, "Handed on: they have a notice.")


@page
@require_POST
def extend(request: HttpRequest, request_id: UUID) -> HttpResponse:
    return _work(request, request_id, extend_deadline, "The time limit is extended.")


@page
@require_POST
def comment(request: HttpRequest, request_id: UUID) -> HttpResponse:
    def add(*, request_id: UUID, reviewer: User) -> None:
        comment_on_request(
            request_id=request_id, reviewer=reviewer, text=request.POST.get("text", "")
        )

    return _work(request, request_id, add, "Your comment is on record.")


def _work(request: HttpRequest, request_id: UUID, service: Service, done: str) -> HttpResponse:
    """Back to the page as it is now; a conflict is said on it."""
    user = current_user(request)
    try:
        service(request_id=request_id, reviewer=user)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return _answer(request, user, request_id, problem.detail or problem.title, problem.status)
    return _answer(request, user, request_id, done, 200)


def _answer(
    request: HttpRequest, user: User, request_id: UUID, words: str, status: int
) -> HttpResponse:
    back = back_query(request)
    if asks_for_fragment(request) and back is not None:
        return render_request(request, load_detail(user, request_id), status=status, flash=words)
    (messages.success if status == 200 else messages.error)(request, words)
    if back is not None:
        return redirect(queue_url(back, open=str(request_id)))
    return redirect("console:request", request_id)
