"""The bell: what one person was told."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from approvals.console.door import page
from approvals.models import Notice
from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import HitlNow
from hitlconsole.ui.untrusted import visible_text

PAGE = 50
# More at once would only push each other away.
MOST_SHOWN = 5
LONGEST = 160


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


@page
@require_safe
def latest_notices(request: HttpRequest) -> JsonResponse:
    """What came after the notice that the page knows, for the bell and for the browser to show.

    The first question, without one, only learns where to begin.
    """
    user, text = current_user(request), request.GET.get("after", "")
    known = int(text) if text.isdecimal() and len(text) < 19 else None
    own = Notice.objects.filter(user=user)
    found = own.filter(pk__gt=known, read_at=None) if known is not None else own.none()
    related = ("notification__request__agent", "notification__takeover__agent")
    latest = list(found.select_related(*related).order_by("-id")[:MOST_SHOWN])
    last = own.order_by("-id").values_list("pk", flat=True).first()
    answer = {
        "last": last or 0,
        "unread": unread_notices(user),
        "notices": [_shown(notice) for notice in reversed(latest)],
    }
    response = JsonResponse(answer)
    response["Cache-Control"] = "no-store"
    return response


def _shown(notice: Notice) -> dict[str, object]:
    news = notice.notification
    about = news.request or news.takeover
    assert about is not None  # news are about a request or a takeover
    if news.request is not None:
        text, url = news.request.description, reverse("console:request", args=[news.request_id])
    else:
        text, url = about.agent.name, reverse("console:agent", args=[about.agent_id])
    shown = visible_text(text)
    return {
        "id": notice.pk,
        "title": news.get_kind_display(),
        "text": shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…",
        "url": url,
    }


def unread_notices(user: User) -> int:
    return Notice.objects.filter(user=user, read_at=None).count()
