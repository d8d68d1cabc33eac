"""Working the queue: what comes and goes around the list, and screens of another width."""

from typing import Any

from playwright.sync_api import Page, expect

from approvals.models import ApprovalRequest, Presence, Takeover
from approvals.services.takeovers import release_takeover
from tests.e2e.checks.floor import HARD, TAKEOVER, Desk, Floor
from tests.e2e.checks.looking import detail, heading, pill, row, row_ids, rows, wait_for_news
from tests.factories import make_action_type, make_admin
from tests.processes import wait_until

SUMMARY = "[data-live-summary]"


def test_a_long_list_takes_new_rows_and_later_pages_without_repeating_any(
    desk: Desk, ana: Page
) -> None:
    late = [desk.bot.ask(f"Refund {n}", **HARD) for n in range(54)]
    desk.queue(ana)
    expect(rows(ana)).to_have_count(50)
    expect(ana.locator(SUMMARY)).to_have_text("54 open, 4 not shown")
    expect(pill(ana)).to_be_hidden()
    soon = desk.bot.ask("Sooner than all")
    wait_for_news(ana, 1)
    ana.keyboard.press(".")
    expect(rows(ana).first).to_contain_text("Sooner than all")
    more = ana.get_by_role("link", name="Load 50 more")
    more.click()
    expect(more).to_be_hidden()
    assert row_ids(ana) == [soon, *late]
    expect(ana.locator(SUMMARY)).to_have_text("55 open, all shown")


def test_an_agent_that_stops_is_news_behind_the_pill_and_comes_first(
    floor: Floor, desk: Desk, ana: Page
) -> None:
    shown = desk.bot.ask_many(2)
    desk.queue(ana)
    name = f"research-bot-{desk.team.pk.hex[-6:]}"
    with floor.agent(desk.team, name) as stopped:
        stopped.ask("Too unsure", **TAKEOVER)
    expect(pill(ana)).to_contain_text("1 new, 1 urgent")
    assert row_ids(ana) == shown
    ana.keyboard.press(".")
    expect(rows(ana)).to_have_count(3)
    takeover = Takeover.objects.get(agent=stopped.id)
    assert row_ids(ana) == [str(takeover.id), *shown]
    expect(rows(ana).first).to_contain_text(f"{name} is stopped")
    expect(rows(ana).first).to_contain_class("row--takeover")
    release_takeover(takeover_id=takeover.id, admin=make_admin())
    # It was released outside of the console's processes: the page asks by itself now and then.
    expect(rows(ana).first).to_contain_text("Released", timeout=20_000)
    expect(rows(ana).first).to_contain_class("row--gone")


def test_the_first_request_of_an_empty_queue_takes_the_empty_states_place(
    desk: Desk, ana: Page
) -> None:
    expect(ana.get_by_text("Nothing waits for you")).to_be_visible()
    desk.bot.ask("The first one")
    wait_for_news(ana, 1)
    ana.keyboard.press(".")
    expect(ana.get_by_role("link", name="The first one")).to_be_visible()
    expect(ana.get_by_text("Nothing waits for you")).to_be_hidden()


def test_an_open_queue_is_presence_and_a_request_alone_is_not(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    seen = Presence.objects.filter(user=desk.ana)
    wait_until(seen.exists, "the open queue is presence", 20)
    with ana.expect_response("**/live/beat/**", timeout=20_000):
        ana.goto(f"{desk.url}/requests/{request_id}/")
    seen.delete()
    with ana.expect_response("**/live/beat/**", timeout=20_000):
        pass
    assert not seen.exists()


def test_back_and_forward_lead_through_the_requests(desk: Desk, ana: Page) -> None:
    asked = [desk.bot.ask("Refund alpha"), desk.bot.ask("Refund beta")]
    desk.queue(ana, "?q=refund")
    row(ana, asked[0]).locator("[data-row-link]").click()
    expect(heading(ana, "Refund alpha")).to_be_visible()
    ana.keyboard.press("]")
    expect(heading(ana, "Refund beta")).to_be_visible()
    ana.go_back()
    expect(heading(ana, "Refund alpha")).to_be_visible()
    ana.go_back()
    expect(detail(ana).locator("[data-request]")).to_have_count(0)
    expect(ana.get_by_role("searchbox", name="Search")).to_have_value("refund")
    ana.go_forward()
    expect(heading(ana, "Refund alpha")).to_be_visible()


def test_on_a_narrow_screen_the_detail_takes_the_lists_place(desk: Desk, ana: Page) -> None:
    desk.bot.ask("Refund alpha")
    ana.set_viewport_size({"width": 390, "height": 800})
    desk.queue(ana)
    ana.get_by_role("link", name="Refund alpha").click()
    expect(heading(ana, "Refund alpha")).to_be_visible()
    expect(ana.locator("#queue-list")).to_be_hidden()
    ana.get_by_role("link", name="List").click()
    expect(ana.locator("#queue-list")).to_be_visible()
    expect(ana.get_by_role("heading", name="Refund alpha")).to_be_hidden()


def test_the_python_snippet_of_the_agents_page_runs(desk: Desk, ana: Page) -> None:
    make_action_type("order.lookup", side_effects=False)
    ana.goto(f"{desk.url}/agents/{desk.bot.id}/")
    snippet = ana.locator("#snippet-python").inner_text()
    base = snippet[snippet.index('"') + 1 : snippet.index("/api/v1")]
    key = desk.bot.http.headers["Authorization"].removeprefix("Bearer ")
    names: dict[str, Any] = {}
    exec(snippet.replace(base, desk.url).replace('"KEY"', repr(key)), names)  # noqa: S102
    request = ApprovalRequest.objects.get(agent=desk.bot.id)
    assert (request.action_type, request.execution) == ("order.lookup", "reported")
