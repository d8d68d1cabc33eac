"""The page behind a link in an e-mail. Opening it decides nothing.

Deciding is a POST with a verdict that nothing preselects, and with the code from the message or
the person's own session.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from approvals.access import as_of_now, decision_refusal
from approvals.closing import closing_words
from approvals.console.words import SILENCE_WORDS
from approvals.models import DecisionLink
from approvals.representation import on_deadline
from approvals.services.decide import decide_request
from approvals.services.decision_links import (
    code_is_right,
    find_link,
    give_back,
    is_usable,
    redeem,
)
from approvals.vocabulary import OPEN, Channel, Verdict
from autonomy.vocabulary import Level
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem

VERDICTS = (Verdict.APPROVE, Verdict.REJECT)


@dataclass(slots=True)
class Form:
    """What was sent, and what was wrong with it by field."""

    verdict: str = ""
    notes: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def decision_link(request: HttpRequest, token: str) -> HttpResponse:
    link = find_link(token)
    # Whoever may not decide any more is shown nothing either.
    if link is None or decision_refusal(as_of_now(link.user), link.request) is not None:
        return render(request, "console/decision_link_gone.html", status=404)
    if not is_usable(link, database_now()) or link.request.status not in OPEN:
        return _closed(request, link)
    if request.method != "POST":
        return _show(request, link, Form())
    return _decide(request, link, token)


def _closed(request: HttpRequest, link: DecisionLink) -> HttpResponse:
    context = {"item": link.request, "closing": closing_words(link.request)}
    return render(request, "console/decision_link_gone.html", context, status=410)


def _is_signed_in(request: HttpRequest, link: DecisionLink) -> bool:
    return request.user.is_authenticated and request.user.pk == link.user_id


def _show(request: HttpRequest, link: DecisionLink, form: Form, status: int = 200) -> HttpResponse:
    item, silence = link.request, on_deadline(link.request)
    context: dict[str, Any] = {
        "item": item,
        "action": json.loads(bytes(item.action)),
        "silence_words": SILENCE_WORDS[silence] if silence else "",
        "changed": item.revision != link.revision,
        "strict": item.level >= Level.HARD_APPROVAL,
        "needs_code": not _is_signed_in(request, link),
        "person": link.user,
        "form": form,
        "now": database_now(),
    }
    return render(request, "console/decision_link.html", context, status=status)


def _decide(request: HttpRequest, link: DecisionLink, token: str) -> HttpResponse:
    form = _read(request)
    if form.errors:
        return _show(request, link, form, 422)
    if not _is_signed_in(request, link) and not code_is_right(
        link, token, request.POST.get("code", "")
    ):
        if not is_usable(link, database_now()):
            return _closed(request, link)
        form.errors["code"] = "That is not the code of this e-mail."
        return _show(request, link, form, 422)
    if not redeem(link):
        return _closed(request, link)
    try:
        decided = decide_request(
            request_id=link.request_id,
            reviewer=link.user,
            verdict=Verdict(form.verdict),
            revision=link.revision,
            channel=Channel.EMAIL,
            notes=form.notes,
            token=bytes(link.digest).hex(),
        )
    except Problem as problem:
        if problem.code == "decision_held":
            give_back(link)
        context = {"item": link.request, "problem": problem}
        page = "console/decision_link_gone.html"
        return render(request, page, context, status=problem.status)
    context = {"item": decided, "closing": closing_words(decided), "done": True}
    return render(request, "console/decision_link_gone.html", context)


def _read(request: HttpRequest) -> Form:
    notes = request.POST.get("notes", "").replace("\x00", "").replace("\r\n", "\n").strip()
    form = Form(request.POST.get("verdict", ""), notes)
    if form.verdict not in VERDICTS:
        form.errors["verdict"] = "Choose whether to approve or to reject."
    elif form.verdict == Verdict.REJECT and not notes:
        form.errors["notes"] = "Say why: the agent gets this reason."
    if len(notes) > 4000:
        form.errors["notes"] = "At most 4,000 characters."
    return form
