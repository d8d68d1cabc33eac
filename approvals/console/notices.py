"""The bell: what one person was told."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.console.door import page
from approvals.models import Notice
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import HitlNow

PAGE = 50


@page
@require_safe
def show_notices(request: HttpRequest) -> HttpResponse:
    notices = Notice.objects.filter(user=current_user(request)).order_by("-id")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        notices = notices.filter(id__lt=int(before))
    related = ("notification__request__agent", "notification__takeover__agent")
    found = list(notices.select_related(*related)[: PAGE + 1])
    more = found[PAGE - 1].pk if len(found) > PAGE else None
    context = {"notices": found[:PAGE], "more_url": f"?before={more}" if more else ""}
    return render(request, "console/notices.html", context)


@page
@require_POST
def read_notices(request: HttpRequest) -> HttpResponse:
    """One by its id, or all of them."""
    unread = Notice.objects.filter(user=current_user(request), read_at=None)
    one = request.POST.get("notice", "")
    if one.isdecimal() and len(one) < 19:
        unread = unread.filter(pk=int(one))
    unread.update(read_at=HitlNow())
    if not one:
        messages.success(request, "All notices are marked as read.")
    return redirect("console:notices")


def unread_notices(user: User) -> int:
    return Notice.objects.filter(user=user, read_at=None).count()
