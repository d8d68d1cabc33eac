"""Everything that Apprise speaks: Teams, PagerDuty, Telegram, ntfy and many more. It only tells."""

import logging
from functools import lru_cache
from typing import Any

from approvals.notifications.channels.base import Outgoing, Permanent, Receipt, Temporary
from approvals.notifications.text import as_text, subject

# What it logs names addresses with their secrets.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


def send(message: Outgoing) -> Receipt:
    target = _library().Apprise()
    if not target.add(str(message.secrets.get("url", ""))):
        raise Permanent("Apprise does not know this kind of address.")
    accepted = target.notify(title=subject(message), body=as_text(message), body_format="text")
    if not accepted:
        raise Temporary("The service did not accept the message.")
    return Receipt()


@lru_cache(maxsize=1)
def _library() -> Any:
    """Imported when it is first needed: it takes most of a second and many megabytes."""
    import apprise  # noqa: PLC0415

    return apprise
