"""Channels' and agents' secrets: sealed at rest, opened to send."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from approvals.models import CallbackSecret, DeliveryItem
from audit.events import Actor, Event, EventType, agent_stream
from audit.services import record
from hitlconsole.accounts.models import Agent
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.secretbox import CannotOpen, open_sealed, seal
from hitlconsole.lib.webhooks import new_secret

# The former secret still signs that long after a rotation.
OVERLAP = timedelta(days=1)


def seal_secrets(secrets: Mapping[str, Any]) -> str:
    return seal(json.dumps(dict(secrets)))


def open_secrets(sealed: str) -> dict[str, Any]:
    return dict(json.loads(open_sealed(sealed))) if sealed else {}


def have_secrets(sealed: str) -> bool:
    """Whether there are any that a key of this console opens."""
    try:
        return bool(open_secrets(sealed))
    except CannotOpen:
        return False


def callback_secrets(items: Sequence[DeliveryItem], now: datetime) -> dict[str, Any]:
    """{"secrets": [...]}: those that sign a callback to the agent of these news, newest first."""
    first = items[0]
    about = first.request or first.takeover
    assert about is not None  # what a callback tells is about one of them
    kept = ensure_callback_secret(about.agent_id)
    return {"secrets": valid_secrets(kept, now)}


def valid_secrets(kept: CallbackSecret, now: datetime) -> list[str]:
    secrets = [open_sealed(kept.secret)]
    if kept.former and kept.former_until is not None and kept.former_until > now:
        secrets.append(open_sealed(kept.former))
    return secrets


def ensure_callback_secret(agent_id: Any) -> CallbackSecret:
    """An agent's secret is made when it is first needed."""
    kept, _ = CallbackSecret.objects.get_or_create(
        agent_id=agent_id, defaults={"secret": seal(new_secret())}
    )
    return kept


@transaction.atomic
def rotate_callback_secret(agent: Agent, *, by: Actor) -> str:
    """A new secret, shown once; the former one signs beside it for a day."""
    ensure_callback_secret(agent.pk)
    kept = CallbackSecret.objects.select_for_update().get(pk=agent.pk)
    now, secret = database_now(), new_secret()
    kept.former, kept.former_until = kept.secret, now + OVERLAP
    kept.secret = seal(secret)
    kept.save()
    event = Event(EventType.CALLBACK_SECRET_ROTATED, agent_stream(agent.pk), by, agent_id=agent.pk)
    record([event], at=now)
    return secret
