"""The one place where a page answers what a service refuses."""

from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from hitlconsole.accounts.access import may_administer
from hitlconsole.accounts.models import Team
from hitlconsole.accounts.sessions import View, asks_for_fragment, current_user, signed_in
from hitlconsole.lib.problems import Problem


def page(view: View) -> View:
    """Signed in only; a refusal of a service becomes an error page, or a banner in a pane."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            return answer_problem(request, problem)

    return signed_in(answered)


def answer_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    if asks_for_fragment(request):
        pane = "console/problem_pane.html"
        return render(request, pane, {"problem": problem}, status=problem.status)
    if problem.status == 404:
        raise Http404(problem.detail)
    if problem.status == 403:
        raise PermissionDenied(problem.detail)
    context = {"status": problem.status, "title": problem.title, "detail": problem.detail}
    return render(request, "errors/error.html", context, status=problem.status)


def require_admin(request: HttpRequest, team: Team | None = None) -> None:
    """Raises not_allowed. Without a team: what belongs to everybody."""
    if not may_administer(current_user(request), team):
        raise Problem("not_allowed", "Only an admin can change this.")
