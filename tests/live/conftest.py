"""Streams of a console that is really running, with a Redis of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import pytest

from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.accounts.services import create_sign_in_link
from tests.factories import make_agent, make_reviewer, make_team
from tests.live.reader import Reader
from tests.processes import Console, Web
from tests.processes import console as running_console
from tests.reviewer_browser import Forms

_numbers = count(1)


@dataclass(frozen=True)
class Desk:
    """A team of one test, with a reviewer and an agent."""

    team: Team
    ana: User
    agent: Agent
    key: str


@dataclass(frozen=True)
class Floor:
    console: Console
    web: Web
    clients: ExitStack

    def sign_in(self, user: User) -> httpx.Client:
        return self.clients.enter_context(signed_in(self.web.url, user))

    def reader(self, user: User) -> Reader:
        return Reader(self.sign_in(user)).listening()


@contextmanager
def signed_in(url: str, user: User) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=20) as http:
        link = create_sign_in_link(user)
        link = link[link.index("/sign-in/") :]
        found = Forms(http.get(link).text).found.values()
        [form] = [form for form in found if "csrfmiddlewaretoken" in form.fields]
        answer = http.post(form.action or link, data=form.fields)
        assert answer.status_code == 302, answer.text
        yield http


@pytest.fixture(scope="module")
def running(
    committed_db_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Console, Web]]:
    folder: Path = tmp_path_factory.mktemp("console")
    with running_console(committed_db_of_module, folder) as console:
        yield console, console.web()


@pytest.fixture
def floor(running: tuple[Console, Web]) -> Iterator[Floor]:
    with ExitStack() as clients:
        yield Floor(*running, clients)


@pytest.fixture
def make_desk(running: tuple[Console, Web]) -> Callable[[], Desk]:
    def make() -> Desk:
        number = next(_numbers)
        team = make_team(f"Payments {number}")
        agent, key = make_agent(team, f"support-bot-{number}")
        return Desk(team, make_reviewer(team, f"ana-{number}@example.com"), agent, key)

    return make


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    return make_desk()
