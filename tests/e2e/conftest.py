"""The real console in a real browser: an ASGI process over a database of the test's own."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.accounts.services import create_sign_in_link
from tests.api.server import Server, serve
from tests.browser import fresh_context, started_chromium, strict_page
from tests.factories import make_admin, make_agent, make_reviewer, make_team

THEMES = ("light", "dark")


@dataclass(frozen=True)
class Console:
    """A running console with a team, two reviewers, an admin and an agent."""

    server: Server
    team: Team
    ana: User
    ben: User
    admin: User
    agent: Agent
    key: str

    def link_for(self, user: User) -> str:
        link = create_sign_in_link(user)
        return self.server.url + link[link.index("/sign-in/") :]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The driver keeps an event loop in this thread, in which Django guards its ORM."""
    with pytest.MonkeyPatch.context() as patched, started_chromium() as browser:
        patched.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture
def console(chromium: Browser, committed_db: str) -> Iterator[Console]:
    team = make_team("Payments")
    agent, key = make_agent(team, "support-bot")
    ana = make_reviewer(team, "ana@example.com")
    ben = make_reviewer(team, "ben@example.com")
    with serve(committed_db) as server:
        yield Console(server, team, ana, ben, make_admin(), agent, key)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with fresh_context(chromium, patience_ms=10_000) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    with strict_page(context) as page:
        yield page


@pytest.fixture
def ana(page: Page, console: Console) -> Page:
    """Ana's browser, signed in by her link, on the queue."""
    page.goto(console.link_for(console.ana))
    page.get_by_role("button", name="Sign in as ana").click()
    page.wait_for_url(f"{console.server.url}/")
    return page


@pytest.fixture
def admin(page: Page, console: Console) -> Page:
    """The browser of who administers everything, signed in, on the queue."""
    page.goto(console.link_for(console.admin))
    page.get_by_role("button", name="Sign in as admin").click()
    page.wait_for_url(f"{console.server.url}/")
    return page
