"""A page that stays open: the console goes and comes back, the session ends, others look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from approvals.models import Presence
from hitlconsole.accounts.models import Team, User
from tests.browser import fresh_context, strict_page
from tests.e2e.checks.floor import link_for
from tests.factories import make_agent, make_reviewer, make_team, submit
from tests.live.test_streams import ask
from tests.processes import Console, Web, wait_until
from tests.processes import console as running_console

STATE = "[data-live-state]"


class Place:
    """A console whose processes a test may end, with two people and an agent."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.web: Web = console.web()
        self.team: Team = make_team()
        self.ana = make_reviewer(self.team, "ana@example.com")
        self.ben = make_reviewer(self.team, "ben@example.com")
        self.key = make_agent(self.team, "support-bot")[1]

    def enter(self, page: Page, user: User) -> None:
        page.goto(link_for(self.web.url, user))
        page.get_by_role("button", name="Sign in as").click()
        page.wait_for_url(f"{self.web.url}/")
        expect(page.locator(STATE)).to_have_attribute("data-state", "live")


@pytest.fixture
def place(chromium: Browser, committed_db: str, tmp_path: Path) -> Iterator[Place]:
    with running_console(committed_db, tmp_path) as console:
        yield Place(console)


def test_a_page_survives_a_restart_of_the_web_process(place: Place, page: Page) -> None:
    place.enter(page, place.ana)
    page.evaluate("window.never = 'reloaded'")
    place.web.process.stop()
    expect(page.locator(STATE)).to_have_attribute("data-state", "stale", timeout=20_000)
    place.web.process.start_again()
    submit(place.key, description="While it was gone")
    expect(page.locator(STATE)).to_have_attribute("data-state", "live", timeout=60_000)
    expect(page.locator("[data-live-pill]")).to_contain_text("1 new")
    expect(page.locator("#status")).to_contain_text("Up to date again")
    ask(place, place.key)
    expect(page.locator("[data-live-pill]")).to_contain_text("2 new")
    assert page.evaluate("window.never") == "reloaded"


def test_signing_out_elsewhere_shows_at_once(place: Place, page: Page) -> None:
    place.enter(page, place.ana)
    elsewhere = page.context.new_page()
    elsewhere.goto(f"{place.web.url}/profile/")
    # A page in the background listens to nothing, so the first one is told when it is seen again.
    token = next(c["value"] for c in page.context.cookies() if c["name"] == "csrftoken")
    answer = page.context.request.post(
        f"{place.web.url}/sign-out/",
        form={"csrfmiddlewaretoken": token},
        headers={"Origin": place.web.url},
    )
    assert answer.ok
    page.bring_to_front()
    expect(page.locator("#banner-session")).to_be_visible(timeout=3000)


def test_two_people_see_that_they_look_at_the_same_request(
    place: Place, page: Page, chromium: Browser
) -> None:
    request = submit(place.key)
    place.enter(page, place.ana)
    page.goto(f"{place.web.url}/?open={request.id}")
    lookers = page.locator("[data-slot=lookers]")
    expect(lookers).to_be_empty()
    with fresh_context(chromium, patience_ms=10_000) as other, strict_page(other) as bens:
        place.enter(bens, place.ben)
        bens.get_by_role("link", name=request.description).click()
        expect(bens.locator("[data-slot=lookers]")).to_have_text("ana is looking too")
        expect(lookers).to_have_text("ben is looking too", timeout=3000)
    expect(lookers).to_be_empty(timeout=45_000)


def test_an_open_queue_is_somebody_present_for_as_long_as_it_is_open(
    place: Place, page: Page
) -> None:
    place.enter(page, place.ana)
    seen = Presence.objects.filter(user=place.ana)
    wait_until(seen.exists, "the page is seen")
    first = seen.get()
    wait_until(lambda: seen.get().last_seen_at > first.last_seen_at, "it is still seen")
    again = seen.get()
    assert (again.pk, again.started_at) == (first.pk, first.started_at)
    assert (again.last_seen_at - first.last_seen_at).total_seconds() <= 15
