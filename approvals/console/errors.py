"""Error pages in the console's look. They ask the database for nothing."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from hitlconsole.accounts.sessions import asks_for_fragment, session_expired
from hitlconsole.ui.preferences import THEME


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400, "This was not understood", "", "Go back, reload and try again.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    ask = "An administrator can give you the role that may."
    return _page(request, 403, "You may not do this", str(exception), ask)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    # A resolver's own message lists every pattern; ours is a sentence.
    said = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    ask = "Look at the address, or ask whoever sent it to you."
    return _page(request, 404, "Nothing is here", said, ask)


def failed(request: HttpRequest) -> HttpResponse:
    ask = "Nothing was stored. The failure is in the server's log; try again."
    return _page(request, 500, "The console failed", "", ask)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """In an open page the form stays as it is, with what was typed; a banner says what to do."""
    if asks_for_fragment(request):
        return _too_old() if request.user.is_authenticated else session_expired()
    ask = "The form was too old or came from elsewhere, so nothing was done. Reload and try again."
    return _page(request, 403, "This form was not accepted", "", ask)


def _too_old() -> HttpResponse:
    text = "This page is too old. Reload it: what you typed is kept."
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


def _page(
    request: HttpRequest, status: int, title: str, detail: str, following: str
) -> HttpResponse:
    context = {
        "status": status,
        "title": title,
        "detail": detail,
        "next": following,
        "theme": THEME.read(request),
    }
    return HttpResponse(render_to_string("errors/error.html", context), status=status)
