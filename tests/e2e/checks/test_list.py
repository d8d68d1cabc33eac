"""The list stays where it is, whatever happens around it."""

from itertools import product

from playwright.sync_api import Page, expect

from tests.e2e.checks.floor import HARD, Desk, Floor
from tests.e2e.checks.looking import (
    detail,
    focused_row,
    offsets,
    pill,
    row,
    row_ids,
    row_in_sight,
    rows,
    scroll_to,
    scrolled,
    wait_for_news,
    wait_for_text,
)

LIST = ".split__list"
ROWS_OF = "boxes => boxes.map(box => box.closest('[data-row]').dataset.row)"


def test_01_a_new_request_leaves_every_row_in_place(desk: Desk, ana: Page) -> None:
    desk.bot.ask_many(8)
    desk.queue(ana)
    before = offsets(ana)
    assert len(before) == 8
    desk.bot.ask("Comes last", **HARD)
    wait_for_news(ana, 1)
    desk.bot.ask("Comes between")
    wait_for_news(ana, 2)
    assert offsets(ana) == before


def test_02_the_pill_counts_the_rows_not_shown_and_the_key_inserts_them(
    desk: Desk, ana: Page
) -> None:
    shown = desk.bot.ask_many(3)
    desk.queue(ana)
    expect(pill(ana)).to_be_hidden()
    fresh = [desk.bot.ask("Soon"), desk.bot.ask("Later", **HARD), desk.bot.ask("Soon, too")]
    wait_for_news(ana, 3)
    expect(ana.locator("[data-live-summary]")).to_have_text("6 open, 3 not shown")
    ana.keyboard.press(".")
    expect(rows(ana)).to_have_count(6)
    expect(pill(ana)).to_be_hidden()
    expect(ana.locator("[data-live-summary]")).to_have_text("6 open, all shown")
    assert row_ids(ana) == [*shown, fresh[0], fresh[2], fresh[1]]


def test_03_the_focused_row_keeps_the_focus_over_twenty_updates(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(4)
    desk.queue(ana)
    ana.keyboard.press("j")
    ana.keyboard.press("j")
    assert focused_row(ana) == asked[1]
    holder = row(ana, asked[1]).locator("[data-slot=holder]")
    for number in range(10):
        deed, shown = ("release", "") if number % 2 else ("claim", "Ben")
        desk.ben.press(asked[1], deed)
        desk.bot.ask(f"One more {number}")
        wait_for_text(holder, shown)
        wait_for_news(ana, number + 1)
        assert focused_row(ana) == asked[1]
    ana.keyboard.press("j")
    assert focused_row(ana) == asked[2]


def test_04_ticked_boxes_survive(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(4)
    desk.queue(ana)
    for request_id in asked[1:3]:
        row(ana, request_id).locator("[data-row-check]").check()
    desk.ben.press(asked[1], "claim")
    expect(row(ana, asked[1]).locator("[data-slot=holder]")).to_have_text("Ben")
    desk.ben.reject(asked[0])
    expect(row(ana, asked[0])).to_contain_text("Rejected by Ben")
    desk.bot.ask("One more")
    wait_for_news(ana, 1)
    ana.keyboard.press(".")
    expect(rows(ana)).to_have_count(5)
    ticked = ana.locator("[data-row-check]:checked")
    assert ticked.evaluate_all(ROWS_OF) == asked[1:3]
    expect(ana.locator("[data-bulk-count]")).to_have_text("2")


def test_05_the_scroll_offset_survives(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(40)
    desk.queue(ana)
    scroll_to(ana, LIST, 500)
    before = offsets(ana)
    desk.bot.ask("One more")
    wait_for_news(ana, 1)
    desk.ben.reject(asked[0])
    expect(row(ana, asked[0])).to_contain_text("Rejected by Ben")
    assert (scrolled(ana, LIST), offsets(ana)) == (500, before)
    ana.keyboard.press(".")
    expect(rows(ana)).to_have_count(41)
    assert scrolled(ana, LIST) == 500
    assert offsets(ana)[asked[20]] == before[asked[20]]


def test_07_a_row_decided_elsewhere_greys_in_its_place(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(4)
    desk.queue(ana)
    before = offsets(ana)
    desk.ben.reject(asked[1])
    expect(row(ana, asked[1])).to_contain_class("row--gone", timeout=3000)
    expect(row(ana, asked[1])).to_contain_text("Rejected by Ben")
    assert offsets(ana) == before


def test_no_row_grows_with_what_comes_into_it(floor: Floor, desk: Desk, ana: Page) -> None:
    with floor.agent(desk.team, f"agent-of-a-long-name-{desk.team.pk}") as agent:
        asked = agent.ask_many(3, "Refund an order whose title is as long as titles are")
    desk.queue(ana)
    before = everywhere(ana)
    desk.ben.press(asked[0], "claim")
    expect(row(ana, asked[0]).locator("[data-slot=holder]")).to_have_text("Ben")
    desk.ben.reject(asked[1])
    expect(row(ana, asked[1]).locator("[data-slot=outcome]")).to_contain_text("Rejected by Ben")
    assert everywhere(ana) == before


def everywhere(page: Page) -> dict[str, dict[str, float]]:
    """The offsets of the rows on screens of each kind and in each density."""
    found = {}
    for width, density in product((390, 1000, 1440), ("compact", "normal", "comfortable")):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("to => { document.documentElement.dataset.density = to; }", density)
        found[f"{density} at {width}"] = offsets(page)
    return found


def test_19_back_restores_filter_scroll_and_row(desk: Desk, ana: Page) -> None:
    desk.bot.ask_many(40, "Refund alpha")
    desk.bot.ask("Refund beta")
    desk.queue(ana, "?q=alpha")
    scroll_to(ana, LIST, 700)
    opened = open_in_sight(ana)
    assert scrolled(ana, LIST) == 700
    detail(ana).get_by_role("link", name="support-bot").first.click()
    ana.wait_for_url("**/agents/**")
    ana.go_back()
    expect_view(ana, opened, scroll=700)


def test_20_a_reload_restores_the_view(desk: Desk, ana: Page) -> None:
    desk.bot.ask_many(40, "Refund alpha")
    desk.bot.ask("Refund beta")
    desk.queue(ana, "?q=alpha")
    scroll_to(ana, LIST, 600)
    opened = open_in_sight(ana)
    ana.reload()
    expect_view(ana, opened, scroll=600)


def open_in_sight(page: Page) -> str:
    opened = row_in_sight(page)
    row(page, opened).locator("[data-row-link]").click()
    expect(detail(page).locator("[data-request]")).to_have_attribute("data-request", opened)
    return opened


def expect_view(page: Page, opened: str, *, scroll: int) -> None:
    """The filtered list at that place, and the request beside it."""
    expect(detail(page).locator("[data-request]")).to_have_attribute("data-request", opened)
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("alpha")
    expect(page.locator("#queue-list > [data-open]")).to_have_attribute("data-row", opened)
    assert (scrolled(page, LIST), rows(page).count()) == (scroll, 40)
