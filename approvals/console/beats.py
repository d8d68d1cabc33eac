"""Signs of life of pages that somebody sees."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from approvals.console.door import page
from approvals.console.filters import QueueFilter, read_uuid
from approvals.services.presence import record_looker, record_presence
from hitlconsole.accounts.sessions import current_user


@page
@require_POST
def beat(request: HttpRequest) -> HttpResponse:
    """A visible, up-to-date page with a live list; in the query what its delta is asked with.

    A page with the whole queue is somebody looking: that is the presence on which silent consent
    rests, so a filtered queue, one that goes on beyond the page, a paused one and a single
    request's page don't count.
    """
    user, given = current_user(request), request.GET
    not_whole = ("only", "end", "paused")
    if not QueueFilter.read(given.dict()).active and not any(map(given.get, not_whole)):
        record_presence(user)
    opened = read_uuid(given.get("open", ""))
    if opened is not None:
        record_looker(user, opened)
    return HttpResponse(status=204)
