"""Changing the ways out of the console: channels, and who people are there. Each is on record."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from django.db import transaction
from slack_sdk.errors import SlackApiError

from approvals.models import ChannelIdentity, NotificationChannel, Transport
from approvals.notifications.audience import Kind
from approvals.notifications.channels.base import Failure, Outgoing, Receipt, Temporary
from approvals.notifications.channels.registry import SENDERS
from approvals.notifications.channels.slack import client_for
from approvals.notifications.secrets import have_secrets, open_secrets, seal_secrets
from audit.events import Event, EventType, person_stream
from audit.services import record
from hitlconsole.accounts.models import User
from hitlconsole.accounts.services import person
from hitlconsole.lib.clock import HitlNow, database_now
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.problems import invalid_field

logger = logging.getLogger(__name__)

TRIAL = "This is a trial message of the console. Nobody has to do anything."


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a trial message; `error` empty: it was accepted."""

    error: str
    status: int | None = None

    @property
    def accepted(self) -> bool:
        return not self.error


@transaction.atomic
def save_channel(
    channel: NotificationChannel, secrets: Mapping[str, Any], *, by: User
) -> NotificationChannel:
    """A new one, or a changed one; secrets that are not given stay as they were, where they can
    still be opened.

    Raises invalid_request where the name is taken.
    """
    same = NotificationChannel.objects.filter(team=channel.team, name__iexact=channel.name)
    if same.exclude(pk=channel.pk).exists():
        raise invalid_field("name", "must differ from the other channels")
    kept = open_secrets(channel.secrets) if have_secrets(channel.secrets) else {}
    channel.secrets = seal_secrets(kept | {name: value for name, value in secrets.items() if value})
    created = channel._state.adding
    channel.save()
    changed = sorted(name for name, value in secrets.items() if value)
    payload = {
        "created": created,
        "kind": channel.kind,
        "role": channel.role,
        "enabled": channel.enabled,
        "team_id": channel.team_id and str(channel.team_id),
        "secrets_changed": changed,
    }
    _record(channel, by, payload, {"name": channel.name, "config": channel.config})
    return channel


def _record(
    channel: NotificationChannel, by: User, payload: dict[str, Any], personal: dict[str, Any]
) -> None:
    stream = f"channel:{channel.pk}"
    event = Event(EventType.CHANNEL_CHANGED, stream, person(by), payload=payload, personal=personal)
    record([event], at=database_now())


@transaction.atomic
def link_identity(channel: NotificationChannel, user: User, external_id: str, *, by: User) -> None:
    """Who a person is in the channel's workspace; empty: nobody. Raises invalid_request."""
    workspace = channel.config["workspace"]
    mine = ChannelIdentity.objects.filter(kind=channel.kind, workspace=workspace, user=user)
    others = ChannelIdentity.objects.filter(
        kind=channel.kind, workspace=workspace, external_id=external_id
    ).exclude(user=user)
    if external_id and others.exists():
        raise invalid_field("external_id", "belongs to somebody else already")
    mine.delete()
    if external_id:
        ChannelIdentity.objects.create(
            kind=channel.kind, workspace=workspace, user=user, external_id=external_id
        )
    payload = {"channel_id": str(channel.pk), "linked": bool(external_id)}
    stream = person_stream(user.pk)
    event = Event(
        EventType.CHANNEL_CHANGED,
        stream,
        person(by),
        payload=payload,
        personal={"external_id": external_id} if external_id else {},
    )
    record([event], at=database_now())


def look_up_identity(channel: NotificationChannel, user: User) -> str | None:
    """The person's Slack account by e-mail address; None: Slack knows none, or may not say.

    Raises CannotOpen.
    """
    client = client_for(str(open_secrets(channel.secrets)["bot_token"]))
    try:
        answer = client.users_lookupByEmail(email=user.email)
    except (SlackApiError, OSError, HTTPException):
        return None
    found: dict[str, Any] = answer["user"]
    return str(found["id"])


def try_channel(channel: NotificationChannel, user: User) -> Trial:
    """Send a message without news, now; the result is kept as the channel's last one."""
    own = NotificationChannel.objects.filter(pk=channel.pk)
    try:
        receipt = _send_trial(channel, user)
    except Failure as failure:
        own.update(last_failure_at=HitlNow(), last_error=failure.detail)
        return Trial(failure.detail, failure.status)
    own.update(last_success_at=HitlNow(), last_error="")
    return Trial("", receipt.status)


def _send_trial(channel: NotificationChannel, user: User) -> Receipt:
    """Raises Failure, whatever it is that fails."""
    try:
        message = _trial(channel, user)
        return SENDERS[message.transport](message)
    except Failure:
        raise
    except Exception as error:
        logger.exception("trying channel %s failed", channel.pk)
        raise Temporary(f"{type(error).__name__}: {error}") from error


def _trial(channel: NotificationChannel, user: User) -> Outgoing:
    return Outgoing(
        id=uuid7(),
        transport=Transport(channel.kind),
        kind=Kind.NOTIFY,
        news=(),
        now=database_now(),
        settings=channel.config,
        secrets=open_secrets(channel.secrets),
        people=(user,),
        note=TRIAL,
    )
