from functools import partial
from typing import Any

from django.http import HttpRequest

from approvals.console.notices import unread_notices
from hitlconsole.accounts.models import User


def console(request: HttpRequest) -> dict[str, Any]:
    """unread_notices: the number beside the bell, counted when a template asks."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {"unread_notices": partial(unread_notices, user)}
