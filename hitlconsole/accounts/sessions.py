"""The door of every page: who is not signed in goes to the sign-in page, or is told 401."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from hitlconsole.accounts.models import User
from hitlconsole.lib.broadcast import broadcast
from hitlconsole.lib.clock import database_now

View = Callable[..., HttpResponseBase]
SIGNED_IN_AT = "signed_in_at"
EXPIRED_HEADER = "X-Session"
# Told to every web process: a session has ended, by its digest.
SIGNED_OUT = "signed-out"


def signed_in(view: View) -> View:
    """Marks the view, so that a test can find those without it; nothing of it is kept by caches."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            response = view(request, *args, **kwargs)
            add_never_cache_headers(response)
            return response
        if asks_for_fragment(request):
            return session_expired()
        return redirect_to_login(request.get_full_path())

    guarded.signed_in_only = True  # type: ignore[attr-defined]
    return guarded


def asks_for_fragment(request: HttpRequest) -> bool:
    """Whether a script asks: htmx or fetch, whose answer goes into a pane of an open page."""
    if request.headers.get("HX-History-Restore-Request") == "true":
        return False
    return request.headers.get("HX-Request") == "true" or wants_json(request)


def wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def session_expired() -> HttpResponse:
    """Never a login page inside a pane: the script shows a banner when it sees the header."""
    return HttpResponse(
        "Your session has ended. Sign in again.",
        status=401,
        content_type="text/plain; charset=utf-8",
        headers={EXPIRED_HEADER: "expired"},
    )


def note_sign_in(request: HttpRequest) -> None:
    """That this session has just shown who it is."""
    request.session[SIGNED_IN_AT] = database_now().isoformat()


def signed_in_at(request: HttpRequest) -> datetime | None:
    """When the person of this session last proved who they are, by the database's clock."""
    moment = request.session.get(SIGNED_IN_AT)
    return datetime.fromisoformat(moment) if moment else None


def current_user(request: HttpRequest) -> User:
    """The person of a request that passed `signed_in`."""
    assert isinstance(request.user, User)
    return request.user


def session_digest(key: str) -> str:
    """By which processes speak of a session: its key opens doors, this does not."""
    return hashlib.sha256(key.encode()).hexdigest()


def tell_signed_out(key: str) -> None:
    """Once the session is gone: its open streams end at once, wherever they are."""
    broadcast([(SIGNED_OUT, session_digest(key))])
