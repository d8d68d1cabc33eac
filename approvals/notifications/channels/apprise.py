"""Everything that Apprise speaks: Teams, PagerDuty, Telegram, ntfy and many more. It only tells.

Only admins set such an address, and it may lead anywhere: a service in the own network is what
many have it for.
"""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from approvals.notifications.channels.base import (
    ATTEMPT_SECONDS,
    Outgoing,
    Permanent,
    Receipt,
    Temporary,
)
from approvals.notifications.text import as_text, subject


def send(message: Outgoing) -> Receipt:
    url = str(message.secrets.get("url", ""))
    target = _target(url)
    text = {"title": subject(message), "body": as_text(message), "body_format": "text"}
    with target.notify(**text, timeout=ATTEMPT_SECONDS) as result:
        if not _accepted(result):
            raise Temporary(_why(result, url))
    return Receipt()


def _target(url: str) -> Any:
    """Without redirects: behind one, a service may answer well without having got the message."""
    library = _library()
    target = library.Apprise(asset=library.AppriseAsset(http_redirects=False))
    if not target.add(url):
        raise Permanent("Apprise does not know this kind of address.")
    if len(target) != 1:
        raise Permanent("This is more than one address: make a channel of each.")
    return target


def _accepted(result: Any) -> bool:
    """Word by word: an address with `optional=yes` calls its failures a success."""
    return any(bool(attempt) for service in result for attempt in service)


def _why(result: Any, url: str) -> str:
    said = [without_secrets(entry.message, url) for entry in result.logs()]
    if result.timeout_count:
        return "The service did not answer in time."
    return " ".join(["The service did not accept the message.", *said])


def without_secrets(text: str, url: str) -> str:
    """Whatever of the address could be a secret is taken out, a little more rather than less."""
    _, _, address = url.partition("://")
    found = {piece for piece in re.split(r"[/:@?&=#,;+]", address) if len(piece) >= 4}
    for piece in sorted(found | {unquote(piece) for piece in found}, key=len, reverse=True):
        text = text.replace(piece, "…")
    return text


@lru_cache(maxsize=1)
def _library() -> Any:
    """Imported when it is first needed: it takes a while and many megabytes."""
    import apprise  # noqa: PLC0415

    return apprise
