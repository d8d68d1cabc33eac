"""A hundred arrivals a minute disturb nobody."""

import time

from playwright.sync_api import Page, expect

from tests.e2e.checks.floor import HARD, Desk
from tests.e2e.checks.looking import focused_row, offsets, wait_for_news

# A share of a minute at the pace of a hundred a minute.
SECONDS, ARRIVALS = 21.0, 35
# Twelve a minute is one every five seconds: with one at either end.
MOST_ANNOUNCED = int(SECONDS / 5) + 1

LISTEN = """() => {
    window.said = [];
    for (const id of ["status", "alert"]) new MutationObserver(() => {
        const text = document.getElementById(id).textContent;
        if (text) window.said.push([id, text]);
    }).observe(document.getElementById(id),
        { childList: true, characterData: true, subtree: true });
}"""
TAB_ORDER = """() => [...document.querySelectorAll(
    "a[href],button,input:not([type=hidden]),select,textarea,[tabindex='0']")]
    .filter(element => element.tabIndex >= 0
        && element.checkVisibility({ visibilityProperty: true }))
    .map(element => element.closest("[data-row]")?.dataset.row + " " + element.tagName + " "
        + (element.name || element.getAttribute("aria-label") || element.textContent.trim()))"""


def test_40_a_hundred_arrivals_a_minute_are_few_announcements_and_a_steady_tab_order(
    desk: Desk, ana: Page
) -> None:
    asked = desk.bot.ask_many(6)
    desk.queue(ana)
    # The pill is one stop more; from then on nothing comes or goes.
    desk.bot.ask("The first of many")
    wait_for_news(ana, 1)
    ana.keyboard.press("j")
    before, places = ana.evaluate(TAB_ORDER), offsets(ana)
    ana.evaluate(LISTEN)
    began = time.monotonic()
    for number in range(ARRIVALS):
        pause = began + SECONDS * number / ARRIVALS - time.monotonic()
        ana.wait_for_timeout(max(0.0, pause * 1000))
        desk.bot.ask(f"Arrival {number}", **(HARD if number % 5 == 0 else {}))
        assert focused_row(ana) == asked[0]
        assert steady(ana.evaluate(TAB_ORDER)) == steady(before)
    said = ana.evaluate("window.said")
    wait_for_news(ana, ARRIVALS + 1)
    assert 1 <= len(said) <= MOST_ANNOUNCED
    assert [where for where, _ in said] == ["status"] * len(said)
    assert offsets(ana) == places


def steady(order: list[str]) -> list[str]:
    """Without numbers: those of the pill and the navigation grow, in their places."""
    return ["".join(char for char in stop if not char.isdigit()) for stop in order]


def test_the_count_behind_the_pill_is_right_after_a_burst(desk: Desk, ana: Page) -> None:
    desk.bot.ask("Shown")
    desk.queue(ana)
    desk.bot.ask_many(30, "Burst")
    wait_for_news(ana, 30)
    ana.keyboard.press(".")
    expect(ana.locator("#queue-list > [data-row]")).to_have_count(31)
