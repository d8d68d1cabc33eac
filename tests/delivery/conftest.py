"""A team that is told by mail, in Slack and by webhook, over real commits and real sockets."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from approvals.models import ChannelIdentity, NotificationChannel
from hitlconsole.accounts.models import Team, User
from hitlconsole.lib.webhooks import new_secret
from hitlconsole.local.paths import ROOT
from hitlconsole.local.process import kill_group
from tests.factories import make_agent, make_reviewer, make_team
from tests.notifications.conftest import make_channel
from tests.peers.http import HTTPPeer
from tests.peers.inbox import Inbox
from tests.peers.slack import ROOM, SIGNING_SECRET, TOKEN, WORKSPACE, SlackPeer
from tests.peers.smtp import SMTPPeer
from tests.processes import for_database


@dataclass(frozen=True)
class Peers:
    smtp: SMTPPeer
    slack: SlackPeer
    receiver: HTTPPeer

    @property
    def inboxes(self) -> "dict[str, Inbox[Any]]":
        """By transport."""
        return {
            "email": self.smtp.inbox,
            "slack": self.slack.inbox,
            "webhook": self.receiver.inbox,
        }

    @property
    def variables(self) -> dict[str, str]:
        """The environment of processes that are to reach them."""
        return {
            "HITL_EMAIL_URL": self.smtp.url,
            "HITL_SLACK_API_URL": self.slack.api_url,
            "HITL_OUTBOUND_ALLOW": "127.0.0.0/8",
        }


@dataclass(frozen=True)
class House:
    """One team with two reviewers and an agent."""

    team: Team
    ana: User
    ben: User
    key: str

    @property
    def people(self) -> set[UUID]:
        return {self.ana.id, self.ben.id}

    def mail_channel(self, **fields: Any) -> NotificationChannel:
        return make_channel("email", **fields)

    def slack_channel(self, **fields: Any) -> NotificationChannel:
        """Both reviewers are known there."""
        for number, person in enumerate((self.ana, self.ben), start=1):
            ChannelIdentity.objects.create(
                user=person, kind="slack", workspace=WORKSPACE, external_id=f"U{number}"
            )
        secrets = {"bot_token": TOKEN, "signing_secret": SIGNING_SECRET}
        config = {"workspace": WORKSPACE, "channel": ROOM}
        return make_channel("slack", secrets, **({"team": self.team, "config": config} | fields))

    def webhook(self, receiver: HTTPPeer) -> NotificationChannel:
        """Gets all news of the team, each by itself."""
        config = {"url": f"{receiver.url}/siem"}
        secrets = {"secrets": [new_secret()]}
        return make_channel("webhook", secrets, role="everything", team=self.team, config=config)


@pytest.fixture
def house(committed_db: str) -> House:
    team = make_team()
    ana, ben = make_reviewer(team, "ana@example.com"), make_reviewer(team, "ben@example.com")
    return House(team, ana, ben, make_agent(team, "billing-bot")[1])


@pytest.fixture
def peers() -> Iterator[Peers]:
    with SMTPPeer() as smtp, SlackPeer() as slack, HTTPPeer() as receiver:
        yield Peers(smtp, slack, receiver)


class Nursery:
    """Senders that are processes of their own (nursery.py)."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def give_birth(self) -> int:
        """A new sender's process id."""
        self._say()
        return self._hear()

    def wait(self) -> int:
        """How the last sender ended."""
        return self._hear()

    def kill(self, pid: int) -> None:
        """Whoever has ended by itself meanwhile has not been waited for, and is still there."""
        os.kill(pid, signal.SIGKILL)

    def _say(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def _hear(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@pytest.fixture
def nursery(committed_db: str, peers: Peers) -> Iterator[Nursery]:
    url = for_database(os.environ["DATABASE_URL"], committed_db)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.delivery.nursery"],
        cwd=ROOT,
        env=os.environ | peers.variables | {"DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        yield Nursery(process)
        # The last sender may be at work still.
        kill_group(process.pid)
