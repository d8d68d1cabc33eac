from functools import partial
from typing import Any

from django.http import HttpRequest

from hitlconsole.accounts.models import User
from hitlconsole.accounts.profile import HINTS, dismissed_hints


def hints(request: HttpRequest) -> dict[str, Any]:
    """hints_away: the hints that are not shown, looked up where a template has one."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"hints_away": frozenset(HINTS)}
    return {"hints_away": partial(dismissed_hints, user)}
