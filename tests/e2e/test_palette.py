"""The command palette: everything by typing, from every page."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from approvals.models import ApprovalRequest, SavedView
from tests.e2e.conftest import THEMES, Console
from tests.factories import HARD, make_action_type, submit

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
VIOLATIONS = """async () => (await axe.run()).violations.map(found =>
    found.id + ": " + found.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | "))"""


@pytest.fixture
def requests(console: Console) -> list[ApprovalRequest]:
    return [
        submit(console.key, facts=HARD, description=f"{what} for Mia")
        for what in ("Refund parcel", "Write a letter \u202e", "<img src=x onerror=alert(1)>")
    ]


def palette(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Search or jump")


def options(page: Page) -> Locator:
    return palette(page).get_by_role("option")


def chosen(page: Page) -> Locator:
    return palette(page).get_by_role("option", selected=True)


def type_in_palette(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    expect(palette(page).get_by_role("combobox")).to_be_focused()
    page.keyboard.type(text)


def test_a_page_is_a_few_letters_away(console: Console, ana: Page) -> None:
    type_in_palette(ana, "hom")
    expect(chosen(ana)).to_contain_text("Home")
    ana.keyboard.press("Enter")
    ana.wait_for_url(f"{console.server.url}/home/")
    expect(ana.get_by_role("heading", name="Home", level=1)).to_be_visible()


def test_letters_in_order_are_enough(console: Console, ana: Page) -> None:
    make_action_type("refund.create")
    type_in_palette(ana, "rfcr")
    expect(chosen(ana)).to_contain_text("refund.create")
    expect(chosen(ana)).to_contain_text("Action type")


def test_a_request_is_found_by_its_words_and_by_its_id(
    console: Console, ana: Page, requests: list[ApprovalRequest]
) -> None:
    type_in_palette(ana, "parcel mia")
    expect(options(ana).filter(has_text="Request")).to_have_count(1)
    ana.keyboard.press("Escape")
    type_in_palette(ana, str(requests[1].id))
    expect(chosen(ana)).to_contain_text("Write a letter ⟨U+202E⟩ for Mia")
    expect(chosen(ana)).to_contain_text("refund.create, support-bot, hard, pending")
    ana.keyboard.press("Enter")
    ana.wait_for_url(f"{console.server.url}/requests/{requests[1].id}/")


def test_an_agents_text_stays_text(
    console: Console, ana: Page, requests: list[ApprovalRequest]
) -> None:
    type_in_palette(ana, "onerror")
    expect(chosen(ana)).to_contain_text("<img src=x onerror=alert(1)> for Mia")
    assert palette(ana).locator("img").count() == 0


def test_what_can_be_done_here_is_offered_and_done(
    console: Console, ana: Page, requests: list[ApprovalRequest]
) -> None:
    ana.goto(f"{console.server.url}/?open={requests[0].id}")
    type_in_palette(ana, "reject")
    expect(chosen(ana)).to_contain_text("Here")
    ana.keyboard.press("Enter")
    expect(palette(ana)).to_be_hidden()
    expect(ana.locator("form[data-verdict=reject]")).to_be_visible()
    assert ApprovalRequest.objects.get(pk=requests[0].pk).status == "pending"


def test_views_and_agents_are_found(console: Console, ana: Page) -> None:
    SavedView.objects.create(user=console.ana, name="Urgent refunds", query="due=1", position=1)
    SavedView.objects.create(user=console.ben, name="Urgent for Ben", query="due=1", position=1)
    type_in_palette(ana, "urgent")
    expect(options(ana)).to_have_count(1)
    ana.keyboard.press("Enter")
    ana.wait_for_url(f"{console.server.url}/?due=1")
    type_in_palette(ana, "support-bot")
    expect(chosen(ana)).to_contain_text("Agent")
    ana.keyboard.press("Enter")
    ana.wait_for_url(f"{console.server.url}/agents/{console.agent.id}/")


def test_arrows_move_and_escape_closes_and_gives_the_focus_back(
    console: Console, ana: Page
) -> None:
    search = ana.get_by_role("searchbox", name="Search")
    search.focus()
    type_in_palette(ana, "a")
    first = chosen(ana).inner_text()
    ana.keyboard.press("ArrowDown")
    assert chosen(ana).inner_text() != first
    ana.keyboard.press("ArrowUp")
    assert chosen(ana).inner_text() == first
    box = palette(ana).get_by_role("combobox")
    assert box.get_attribute("aria-activedescendant") == chosen(ana).get_attribute("id")
    ana.keyboard.press("Escape")
    expect(palette(ana)).to_be_hidden()
    expect(search).to_be_focused()
    assert ana.url == f"{console.server.url}/"


def test_what_was_chosen_of_late_comes_first_until_somebody_signs_out(
    console: Console, ana: Page
) -> None:
    type_in_palette(ana, "channels")
    ana.keyboard.press("Enter")
    ana.wait_for_url(f"{console.server.url}/channels/")
    ana.keyboard.press("Control+k")
    expect(chosen(ana)).to_contain_text("Page, recent")
    ana.keyboard.press("Escape")
    ana.get_by_role("button", name="Sign out").click()
    ana.wait_for_url("**/sign-in/")
    assert ana.evaluate("sessionStorage.getItem('palette:recent')") is None


def test_without_a_network_what_is_on_the_page_is_found(console: Console, ana: Page) -> None:
    ana.context.set_offline(True)
    type_in_palette(ana, "policy")
    expect(chosen(ana)).to_contain_text("Policy")
    expect(palette(ana).get_by_text("can't be looked up now")).to_be_visible()
    ana.context.set_offline(False)


def test_it_works_with_shortcuts_switched_off_and_by_touch(console: Console, ana: Page) -> None:
    cookie = {"name": "hitl_shortcuts", "value": "off", "url": console.server.url}
    ana.context.add_cookies([cookie])  # type: ignore[list-item]
    ana.set_viewport_size({"width": 390, "height": 800})
    ana.goto(f"{console.server.url}/")
    ana.keyboard.press("g")
    ana.keyboard.press("d")
    assert ana.url == f"{console.server.url}/"
    type_in_palette(ana, "home")
    ana.keyboard.press("Escape")
    ana.get_by_role("button", name="Search or jump").click()
    ana.get_by_role("combobox", name="Search or jump").fill("home")
    options(ana).first.click()
    ana.wait_for_url(f"{console.server.url}/home/")


def test_a_sequence_goes_home(console: Console, ana: Page) -> None:
    ana.keyboard.press("g")
    ana.keyboard.press("d")
    ana.wait_for_url(f"{console.server.url}/home/")


@pytest.mark.parametrize("theme", THEMES)
def test_it_violates_no_accessibility(
    console: Console, ana: Page, requests: list[ApprovalRequest], theme: str
) -> None:
    cookie = {"name": "hitl_theme", "value": theme, "url": console.server.url}
    ana.context.add_cookies([cookie])  # type: ignore[list-item]
    ana.goto(f"{console.server.url}/home/")
    type_in_palette(ana, "mia")
    expect(options(ana).filter(has_text="Request")).to_have_count(3)
    ana.wait_for_timeout(200)
    ana.evaluate(AXE)
    assert ana.evaluate(VIOLATIONS) == []


def test_a_hint_is_put_away_in_place(console: Console, ana: Page) -> None:
    ana.goto(f"{console.server.url}/home/")
    heading = ana.get_by_role("heading", name="Quality of oversight")
    before = heading.bounding_box()
    ana.get_by_role("button", name="Got it").click()
    expect(ana.get_by_role("complementary", name="Hint")).to_have_count(0)
    assert heading.bounding_box() == before
    ana.reload()
    expect(ana.get_by_role("complementary", name="Hint")).to_have_count(0)
