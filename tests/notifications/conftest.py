"""A team whose messages go to peers that speak the real protocols."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from approvals.models import ChannelIdentity, NotificationChannel
from approvals.notifications import outbox
from approvals.notifications.secrets import seal_secrets
from hitlconsole.accounts.models import Team, User
from tests.factories import make_agent, make_reviewer, make_team
from tests.peers.http import HTTPPeer
from tests.peers.slack import ROOM, SIGNING_SECRET, TOKEN, WORKSPACE, SlackPeer
from tests.peers.smtp import SMTPPeer


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it within the test's transaction."""
    monkeypatch.setattr(outbox, "THREADS", 1)


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


@pytest.fixture
def ana(team: Team) -> User:
    return make_reviewer(team, "ana@example.com")


@pytest.fixture
def key(team: Team) -> str:
    return make_agent(team, "billing-bot")[1]


def make_channel(
    kind: str, secrets: dict[str, Any] | None = None, **more: Any
) -> NotificationChannel:
    fields = {"kind": kind, "name": kind, "secrets": seal_secrets(secrets or {})} | more
    channel: NotificationChannel = NotificationChannel.objects.create(**fields)
    return channel


@pytest.fixture
def smtp(settings: Settings) -> Iterator[SMTPPeer]:
    peer = SMTPPeer()
    for name, value in peer.settings.items():
        setattr(settings, name, value)
    with peer:
        yield peer


@pytest.fixture
def mail_channel(db: None) -> NotificationChannel:
    return make_channel("email")


@pytest.fixture
def slack(settings: Settings) -> Iterator[SlackPeer]:
    peer = SlackPeer()
    with peer:
        settings.SLACK_API_URL = peer.api_url
        yield peer


@pytest.fixture
def slack_channel(team: Team, ana: User) -> NotificationChannel:
    """Ana is U1 there."""
    ChannelIdentity.objects.create(user=ana, kind="slack", workspace=WORKSPACE, external_id="U1")
    return make_channel(
        "slack",
        {"bot_token": TOKEN, "signing_secret": SIGNING_SECRET},
        config={"workspace": WORKSPACE, "channel": ROOM},
        team=team,
    )


@pytest.fixture
def receiver(settings: Settings) -> Iterator[HTTPPeer]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with HTTPPeer() as peer:
        yield peer
