"""A key that sealed secrets can go, once they are sealed anew."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from approvals.models import CallbackSecret, NotificationChannel
from approvals.notifications.secrets import (
    ensure_callback_secret,
    open_secrets,
    rotate_callback_secret,
)
from audit.events import SYSTEM
from hitlconsole.accounts.models import Agent, Team
from hitlconsole.lib.secretbox import open_sealed
from tests.factories import make_agent
from tests.notifications.conftest import make_channel


def sealed_with(settings: Settings, team: Team, key: str) -> tuple[Agent, list[str]]:
    """Secrets of a channel and of an agent that has rotated its own once."""
    settings.ENCRYPTION_KEYS = [key]
    make_channel("slack", {"bot_token": "xoxb-1"}, team=team)
    NotificationChannel.objects.create(kind="email", name="without secrets")
    agent = make_agent(team, "rotating-bot")[0]
    former = open_sealed(ensure_callback_secret(agent.pk).secret)
    return agent, [rotate_callback_secret(agent, by=SYSTEM), former]


def test_with_the_new_key_alone_everything_opens(settings: Settings, team: Team) -> None:
    agent, secrets = sealed_with(settings, team, "old")
    settings.ENCRYPTION_KEYS = ["new", "old"]
    said = StringIO()
    call_command("reseal_secrets", stdout=said)
    assert said.getvalue() == "3 secrets are sealed with the first key\n"
    settings.ENCRYPTION_KEYS = ["new"]
    kept = CallbackSecret.objects.get(pk=agent.pk)
    assert [open_sealed(kept.secret), open_sealed(kept.former)] == secrets
    channels = dict(NotificationChannel.objects.values_list("kind", "secrets"))
    assert open_secrets(channels["slack"]) == {"bot_token": "xoxb-1"}
    assert channels["email"] == ""


def test_nothing_changes_where_one_cannot_be_opened(settings: Settings, team: Team) -> None:
    agent, secrets = sealed_with(settings, team, "old")
    CallbackSecret.objects.filter(pk=agent.pk).update(former="damaged")
    settings.ENCRYPTION_KEYS = ["new", "old"]
    with pytest.raises(CommandError, match=f"nothing was changed: callback secret of {agent.pk}"):
        call_command("reseal_secrets")
    settings.ENCRYPTION_KEYS = ["old"]
    assert open_sealed(CallbackSecret.objects.get(pk=agent.pk).secret) == secrets[0]
    sealed = NotificationChannel.objects.get(kind="slack").secrets
    assert open_secrets(sealed) == {"bot_token": "xoxb-1"}
