"""The evidence of a request: what its agent sent beside the action."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.console.detail import load_detail
from approvals.console.door import page
from approvals.services.evidence import record_evidence_look
from hitlconsole.accounts.sessions import asks_for_fragment, current_user


@page
@require_safe
def show_evidence(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """As a fragment for a script, otherwise as a page of its own. That it was opened is kept."""
    user = current_user(request)
    item = load_detail(user, request_id)
    record_evidence_look(item, user)
    whole = not asks_for_fragment(request)
    name = "console/evidence_page.html" if whole else "console/evidence.html"
    return render(request, name, {"request_item": item, "evidence_oob": not whole})
