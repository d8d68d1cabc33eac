"""Reading people and their sign-in links."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from hitlconsole.accounts.models import SignInLink, User
from hitlconsole.lib.clock import database_now


class LinkState(StrEnum):
    USABLE = "usable"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LinkView:
    """What the page of a sign-in link says; the person only where the link still works."""

    state: LinkState
    user: User | None = None


def look_at_link(token: str) -> LinkView:
    """Reads alone: whoever opens a link (a mail scanner, too) uses nothing up."""
    digest = hashlib.sha256(token.encode()).digest()
    link = SignInLink.objects.select_related("user").filter(digest=digest).first()
    if link is None or not link.user.is_active:
        return LinkView(LinkState.UNKNOWN)
    if link.used_at is not None:
        return LinkView(LinkState.USED)
    if link.expires_at <= database_now():
        return LinkView(LinkState.EXPIRED)
    return LinkView(LinkState.USABLE, link.user)
