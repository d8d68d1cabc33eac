"""Time runs out where everybody can see it, and can be given."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from hitlconsole.lib.clock import database_now
from tests.e2e.checks.floor import HARD, Desk, Floor, worker
from tests.e2e.checks.looking import detail, row

Advance = Callable[..., None]


@pytest.fixture(scope="module", autouse=True)
def workers(floor: Floor) -> None:
    """They end waits whose time is up."""
    worker(floor.console)


def test_32_more_time_can_be_given_until_the_end(
    desk: Desk, ana: Page, advance_clock: Advance
) -> None:
    request_id = desk.bot.ask()
    deadline = datetime.fromisoformat(desk.bot.read(request_id)["deadline"])
    left = (deadline - database_now()).total_seconds()
    advance_clock(seconds=left - 30)
    desk.open(ana, request_id)
    more = detail(ana).get_by_role("button", name="5 min more")
    expect(more).to_be_visible()
    # The button was there before the last twenty seconds began.
    assert deadline - database_now() > timedelta(seconds=20)
    ana.keyboard.press("+")
    countdown = detail(ana).locator("[data-slot=due] [data-deadline]")
    expect(countdown).to_have_text(re.compile(r"^05:\d\d$"))
    after = datetime.fromisoformat(desk.bot.read(request_id)["deadline"])
    assert after - deadline == timedelta(minutes=5)
    assert desk.bot.status(request_id) == "pending"


def test_33_expired_reads_expired(desk: Desk, ana: Page, advance_clock: Advance) -> None:
    request_id = desk.bot.ask(**HARD)
    desk.open(ana, request_id)
    pass_every_tier(desk, request_id, advance_clock)
    outcome = row(ana, request_id).locator("[data-slot=outcome]")
    expect(outcome).to_contain_text("Expired")
    expect(detail(ana).locator("[data-slot=outcome]")).to_contain_text("Expired")
    ana.reload()
    expect(detail(ana).get_by_text("Every tier passed in silence")).to_be_visible()
    expect(detail(ana).locator("[data-slot=status]")).to_have_text("Expired")
    assert "Rejected" not in detail(ana).inner_text()


def pass_every_tier(desk: Desk, request_id: str, advance_clock: Advance) -> None:
    """In silence, each to its end."""
    while (waiting := desk.bot.read(request_id))["status"] != "expired":
        left = datetime.fromisoformat(waiting["deadline"]) - database_now()
        advance_clock(seconds=left.total_seconds() + 1)
        after = desk.bot.read(request_id, wait=20, revision=waiting["revision"])
        assert after["revision"] > waiting["revision"]
