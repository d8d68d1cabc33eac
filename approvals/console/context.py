from functools import partial
from typing import Any

from django.http import HttpRequest

from approvals.console.held import own_held
from approvals.console.notices import unread_notices
from hitlconsole.accounts.access import may_watch
from hitlconsole.accounts.models import User


def console(request: HttpRequest) -> dict[str, Any]:
    """unread_notices: the number beside the bell; held_rows: what the person may still undo; both
    are asked for when a template needs them. Leaves out of the navigation what they may not see.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    request.nav_hidden = partial(_hidden, user)  # type: ignore[attr-defined]
    return {
        "unread_notices": partial(unread_notices, user),
        "held_rows": partial(own_held, request),
    }


def _hidden(user: User) -> tuple[str, ...]:
    return () if may_watch(user) else ("health",)
