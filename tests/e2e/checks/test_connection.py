"""What a page says, and refuses, when it does not hear from the server."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks.floor import Desk, Floor
from tests.e2e.checks.looking import detail, pill, row, rows, sent_posts
from tests.processes import Process, Web

COMMIT = "Control+Enter"


@pytest.fixture(scope="module")
def other_web(floor: Floor) -> Web:
    """A second web process of the same console, for everybody but Ana."""
    return floor.console.web()


@contextmanager
def silent(process: Process) -> Iterator[None]:
    """It is there and says nothing, as a machine that hangs."""
    process.pause()
    try:
        yield
    finally:
        process.resume()


def test_28_a_silent_server_shows_and_locks_approving(floor: Floor, desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    expect(ana.locator("[data-live-state]")).to_have_attribute("data-state", "live")
    ana.keyboard.press("a")
    approve = ana.locator("#verdict-approve button[data-commit]")
    with silent(floor.web.process):
        expect(ana.locator("[data-live-state]")).to_have_attribute(
            "data-state", "stale", timeout=12_000
        )
        expect(ana.locator("[data-live-text]").first).to_have_text(
            re.compile(r"^last update \d\d:\d\d:\d\d$")
        )
        assert approve.get_attribute("aria-disabled") is None
        expect(approve).to_have_attribute("aria-disabled", "true", timeout=20_000)
        expect(ana.locator("#banner-stale")).to_be_visible()
        with sent_posts(ana) as posts:
            ana.keyboard.press(COMMIT)
        assert posts == []
        # To refuse stays possible: it waits for the server.
        ana.keyboard.press("Escape")
        ana.keyboard.press("Escape")
        ana.keyboard.press("r")
        reject = ana.locator("#verdict-reject").get_by_role("button", name="Reject")
        expect(reject).to_be_visible()
        assert reject.get_attribute("aria-disabled") is None
    expect(ana.locator("#banner-stale")).to_be_hidden(timeout=30_000)
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    assert desk.bot.status(request_id) == "pending"


def test_29_coming_back_clears_it_and_counts_what_was_missed(
    floor: Floor, desk: Desk, ana: Page, other_web: Web
) -> None:
    asked = desk.bot.ask_many(3)
    desk.queue(ana)
    state = ana.locator("[data-live-state]")
    expect(state).to_have_attribute("data-state", "live")
    with silent(floor.web.process), desk.through(other_web.url) as elsewhere:
        expect(state).to_have_attribute("data-state", "stale", timeout=12_000)
        elsewhere.bot.ask_many(2, "Missed")
        elsewhere.ben.reject(asked[1])
        expect(pill(ana)).to_be_hidden()
    expect(state).to_have_attribute("data-state", "live", timeout=30_000)
    expect(pill(ana)).to_contain_text("2 new")
    expect(row(ana, asked[1])).to_contain_text("Rejected by Ben")
    expect(rows(ana)).to_have_count(3)
    expect(ana.locator("#status")).to_contain_text("Up to date again")


def test_30_offline_locks_the_commit_and_the_draft_survives_a_reload(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    ana.keyboard.press("c")
    ana.keyboard.type("Which carrier?")
    ana.context.set_offline(True)
    expect(ana.locator("#banner-offline")).to_be_visible()
    commit = ana.locator("#verdict-ask").get_by_role("button", name="Ask")
    expect(commit).to_have_attribute("aria-disabled", "true")
    with sent_posts(ana) as posts:
        ana.keyboard.press(COMMIT)
        commit.click(force=True)
        expect(ana.locator("#ask-notes")).to_have_value("Which carrier?")
    assert posts == []
    ana.context.set_offline(False)
    expect(ana.locator("#banner-offline")).to_be_hidden()
    expect(commit).not_to_have_attribute("aria-disabled", "true")
    ana.reload()
    expect(ana.locator("#ask-notes")).to_be_visible()
    expect(ana.locator("#ask-notes")).to_have_value("Which carrier?")
    assert desk.bot.status(request_id) == "pending"


def test_31_an_ended_session_shows_a_banner_and_no_sign_in_page(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    ana.keyboard.press("c")
    ana.keyboard.type("Which carrier?")
    # Signed out in another tab, as people do.
    other = ana.context.new_page()
    desk.queue(other)
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in/**")
    other.close()
    banner = ana.locator("#banner-session")
    expect(banner).to_be_visible()
    assert banner.get_by_role("link", name="Sign in again").get_attribute("href") == (
        f"/sign-in/?next=%2F%3Fopen%3D{request_id}"
    )
    ana.locator("#ask-notes").press(COMMIT)
    expect(ana.locator("#ask-notes")).to_have_value("Which carrier?")
    expect(detail(ana).locator("[data-request]")).to_have_attribute("data-request", request_id)
    expect(ana.locator("input[type=email], input[type=password]")).to_have_count(0)
    assert (desk.bot.status(request_id), ana.url) == (
        "pending",
        f"{desk.url}/?open={request_id}",
    )
