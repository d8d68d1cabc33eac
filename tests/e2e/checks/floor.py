"""A console that is really running, and the people and agents of one test on it.

What happens goes through the doors: agents and outside systems call the HTTP API, people use pages.
The tests of a module share the processes and the database; each has a team, people and an agent of
its own, so that nothing of another's is in sight.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import httpx
from playwright.sync_api import Page

from hitlconsole.accounts.models import Role, Team, User
from hitlconsole.accounts.services import create_sign_in_link, ensure_person, set_membership
from tests.factories import make_agent, make_team
from tests.processes import Console, Process, Web
from tests.reviewer_browser import Forms

_numbers = count(1)
SOFT: dict[str, Any] = {
    "risk": {"reversible": True, "cost_usd": "0"},
    "confidence": {"score": 0.82},
}
HARD: dict[str, Any] = {
    "risk": {"reversible": False, "cost_usd": "420.00"},
    "confidence": {"score": 0.9},
}
TAKEOVER: dict[str, Any] = {"confidence": {"score": 0.1}}


@dataclass(frozen=True)
class Asking:
    """An agent at work."""

    http: httpx.Client
    id: str

    def ask(self, description: str = "Refund order 5512", **fields: Any) -> str:
        """The request's id. `fields` as in the API's reference, over those of a SOFT_APPROVAL."""
        action = {"type": "refund.create", "arguments": {"order": "5512", "amount": "420.00"}}
        body = SOFT | {"action": action, "description": description} | fields
        answer = self.http.post("/requests", json=body)
        assert answer.status_code == 202, answer.text
        request_id: str = answer.json()["id"]
        return request_id

    def ask_many(self, number: int, what: str = "Refund") -> list[str]:
        return [self.ask(f"{what} {n}") for n in range(1, number + 1)]

    def read(self, request_id: str, **query: Any) -> dict[str, Any]:
        answer = self.http.get(f"/requests/{request_id}", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def status(self, request_id: str) -> str:
        status: str = self.read(request_id)["status"]
        return status

    def say(self, request_id: str, text: str) -> None:
        answer = self.http.post(f"/requests/{request_id}/messages", json={"text": text})
        assert answer.status_code == 201, answer.text


@dataclass(frozen=True)
class Colleague:
    """A person who works elsewhere: decides through the API, and uses pages that nobody sees."""

    person: User
    api: httpx.Client
    pages: httpx.Client

    def decide(self, request_id: str, verdict: str, **fields: Any) -> None:
        """At once: what is decided outside of the console is not held."""
        sent = {"reviewer": self.person.email, "verdict": verdict, "revision": 1} | fields
        answer = self.api.post(f"/requests/{request_id}/decision", json=sent)
        assert answer.status_code == 200, answer.text

    def reject(self, request_id: str) -> None:
        self.decide(request_id, "reject", notes="Already refunded")

    def press(self, request_id: str, what: str) -> None:
        """A button of the request's page: claim, release or extend."""
        found = Forms(self.pages.get(f"/requests/{request_id}/").text).found
        [form] = [form for action, form in found.items() if action.endswith(f"/{what}/")]
        answer = self.pages.post(form.action, data=form.fields)
        assert answer.status_code == 302, answer.text


@dataclass(frozen=True)
class Desk:
    """One test's team: Ana, who sits at the browser, Ben, who is elsewhere, and an agent."""

    url: str
    team: Team
    ana: User
    ben: Colleague
    bot: Asking

    @contextmanager
    def through(self, url: str) -> Iterator["Desk"]:
        """The same people and agent, calling another web process."""
        with ExitStack() as clients:
            api = clients.enter_context(_elsewhere(self.ben.api, url))
            bot = clients.enter_context(_elsewhere(self.bot.http, url))
            ben = replace(self.ben, api=api)
            yield replace(self, url=url, ben=ben, bot=replace(self.bot, http=bot))

    def queue(self, page: Page, query: str = "") -> None:
        page.goto(f"{self.url}/{query}")

    def open(self, page: Page, request_id: str) -> None:
        """The request beside the queue."""
        self.queue(page, f"?open={request_id}")


@dataclass(frozen=True)
class Floor:
    console: Console
    web: Web
    service_key: str

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        number = next(_numbers)
        team = make_team(f"Payments {number}")
        ana = _person(team, f"ana-{number}@example.com", "Ana")
        ben = _person(team, f"ben-{number}@example.com", "Ben")
        with ExitStack() as clients:
            api = clients.enter_context(self._client(self.service_key))
            pages = clients.enter_context(browse(self.web.url))
            sign_in(pages, self.web.url, ben)
            bot = clients.enter_context(self.agent(team, f"support-bot-{number}"))
            yield Desk(self.web.url, team, ana, Colleague(ben, api, pages), bot)

    @contextmanager
    def agent(self, team: Team, name: str) -> Iterator[Asking]:
        agent, key = make_agent(team, name)
        with self._client(key) as http:
            yield Asking(http, str(agent.id))

    def _client(self, key: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=f"{self.web.url}/api/v1", headers=headers, timeout=20)


def worker(console: Console) -> list[Process]:
    """What frees decisions whose hold is over, and ends waits."""
    return [console.worker("due"), console.beat()]


def _elsewhere(client: httpx.Client, url: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/api/v1", headers=client.headers, timeout=20)


def browse(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Origin": url}, timeout=20)


def _person(team: Team, email: str, name: str) -> User:
    user = ensure_person(email, name=name)
    set_membership(user, team, Role.REVIEWER)
    return user


def link_for(url: str, user: User) -> str:
    link = create_sign_in_link(user)
    return url + link[link.index("/sign-in/") :]


def sign_in(http: httpx.Client, url: str, user: User) -> None:
    link = link_for(url, user)
    found = Forms(http.get(link).text).found.values()
    [form] = [form for form in found if "csrfmiddlewaretoken" in form.fields]
    answer = http.post(form.action or link, data=form.fields)
    assert answer.status_code == 302, answer.text
