"""A verdict is given on purpose, once, and can be taken back while it is held."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Decision, Hold
from hitlconsole.lib.clock import database_now
from tests.e2e.checks.floor import HARD, Desk, Floor, worker
from tests.e2e.checks.looking import (
    detail,
    focused_row,
    heading,
    press_each,
    row,
    sent_posts,
    wait_for_news,
)
from tests.factories import make_action_type
from tests.processes import wait_until

COMMIT = "Control+Enter"


@pytest.fixture(scope="module", autouse=True)
def workers(floor: Floor) -> None:
    """They apply what was held."""
    worker(floor.console)


def arm(page: Page, key: str, verdict: str) -> None:
    page.keyboard.press(key)
    expect(page.locator(f"#verdict-{verdict}")).to_be_visible()


def test_06_typed_text_survives(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(3)
    desk.open(ana, asked[0])
    arm(ana, "r", "reject")
    words = ana.locator("#reject-notes")
    words.fill("Half a thought")
    words.evaluate("field => field.setSelectionRange(5, 7)")
    desk.ben.press(asked[0], "claim")
    expect(detail(ana).locator("[data-slot=holder]")).to_have_text("Ben")
    desk.ben.reject(asked[1])
    expect(row(ana, asked[1])).to_contain_text("Rejected by Ben")
    desk.bot.ask("One more")
    wait_for_news(ana, 1)
    expect(words).to_have_value("Half a thought")
    expect(words).to_be_focused()
    assert words.evaluate("field => [field.selectionStart, field.selectionEnd]") == [5, 7]


def test_08_a_late_commit_names_the_decider_and_keeps_the_draft(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    # Nothing tells this page in time.
    ana.keyboard.press("p")
    arm(ana, "c", "ask")
    ana.keyboard.type("Which carrier?")
    desk.ben.reject(request_id)
    with ana.expect_response("**/decide/") as answered:
        ana.keyboard.press(COMMIT)
    assert answered.value.status == 409
    alert = detail(ana).get_by_role("alert")
    expect(alert).to_contain_text(re.compile(r"Rejected by Ben \d+ s ago"))
    expect(alert).to_contain_text("Which carrier?")
    assert desk.bot.status(request_id) == "rejected"


def test_09_committing_twice_makes_one_decision(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    arm(ana, "r", "reject")
    ana.keyboard.type("No such order")
    with sent_posts(ana) as posts:
        ana.keyboard.down("Control")
        press_each(ana, ["Enter", "Enter"])
        ana.keyboard.up("Control")
        expect(ana.get_by_text("That was the last one")).to_be_visible()
    assert len(posts) == 1
    assert (status_in_the_end(desk, request_id), decisions(request_id)) == ("rejected", 1)


def test_10_arming_alone_sends_nothing(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    with sent_posts(ana) as posts:
        arm(ana, "a", "approve")
        desk.bot.ask("So that the page has heard from the server since")
        wait_for_news(ana, 1)
    assert posts == []
    assert (desk.bot.status(request_id), Hold.objects.filter(request=request_id).count()) == (
        "pending",
        0,
    )


def test_11_letters_in_a_text_are_text(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(2)
    desk.open(ana, asked[0])
    arm(ana, "c", "ask")
    address, typed = ana.url, "jkxaercstmvpzu+.[]/? gq"
    with sent_posts(ana) as posts:
        press_each(ana, [*typed.replace(" ", "")])
    expect(ana.locator("#ask-notes")).to_have_value(typed.replace(" ", ""))
    expect(ana.locator("#ask-notes")).to_be_focused()
    expect(ana.locator("dialog[open]")).to_have_count(0)
    assert (ana.url, posts) == (address, [])


def test_12_reloading_never_rejects(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    with sent_posts(ana) as posts:
        for modifier in ("Control", "Meta", "Alt", "Control+Shift"):
            ana.keyboard.press(f"{modifier}+r")
            expect(ana.locator("#verdict-reject")).to_be_hidden()
        ana.keyboard.press(COMMIT)
    assert (posts, desk.bot.status(request_id)) == ([], "pending")


def test_13_without_shortcuts_letters_do_nothing_and_escape_works(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(2)
    desk.open(ana, asked[0])
    ana.keyboard.press("?")
    ana.get_by_role("button", name="Switch shortcuts off").click()
    expect(ana.locator("html[data-shortcuts=off]")).to_have_count(1)
    expect(heading(ana, "Refund 1")).to_be_visible()
    address = ana.url
    press_each(ana, [*"aercstmjkx]u?"])
    expect(ana.locator("form.verdict:visible")).to_have_count(0)
    expect(ana.locator("dialog[open]")).to_have_count(0)
    assert ana.url == address
    ana.get_by_role("button", name="Reject").first.click()
    ana.keyboard.type("No such order")
    ana.keyboard.press("Escape")
    ana.keyboard.press("Escape")
    expect(ana.locator("#verdict-reject")).to_be_hidden()
    ana.keyboard.press("Escape")
    expect(ana.locator("#detail [data-request]")).to_have_count(0)
    assert focused_row(ana) == asked[0]
    row(ana, asked[0]).locator("[data-row-link]").press("Enter")
    expect(ana.locator("#reject-notes")).to_have_value("No such order")
    ana.locator("#reject-notes").press(COMMIT)
    assert status_in_the_end(desk, asked[0]) == "rejected"


def test_14_an_undone_verdict_was_never_heard_of(desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(2)
    before = desk.bot.read(asked[0])
    desk.open(ana, asked[0])
    arm(ana, "r", "reject")
    ana.keyboard.type("Wrong order")
    ana.keyboard.press(COMMIT)
    expect(heading(ana, "Refund 2")).to_be_focused()
    assert desk.bot.read(asked[0]) == before
    ana.keyboard.press("z")
    expect(heading(ana, "Refund 1")).to_be_visible()
    expect(ana.locator("#reject-notes")).to_have_value("Wrong order")
    assert desk.bot.read(asked[0]) == before
    counted_at = Hold.objects.get(request=asked[0]).counts_at
    wait_until(lambda: database_now() > counted_at, "the time of the hold is over")
    assert (desk.bot.read(asked[0]), decisions(asked[0])) == (before, 0)


def test_15_after_the_hold_the_agent_sees_one_decision(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    arm(ana, "a", "approve")
    ana.keyboard.type("Parcel is lost")
    ana.keyboard.press(COMMIT)
    expect(ana.get_by_text("That was the last one")).to_be_visible()
    before = desk.bot.read(request_id)
    assert (before["status"], before["proceed"], before["decision"]) == ("pending", False, None)
    # The agent waits as agents do, until the request is another one.
    after = desk.bot.read(request_id, wait=15, revision=before["revision"])
    assert (after["status"], after["proceed"]) == ("approved", True)
    decided = after["decision"]
    assert (decided["verdict"], decided["reviewer_id"], decided["notes"]) == (
        "approve",
        str(desk.ana.id),
        "Parcel is lost",
    )
    assert decisions(request_id) == 1


def test_16_a_hold_ends_before_the_deadline(
    desk: Desk, ana: Page, advance_clock: Callable[..., None]
) -> None:
    asked = desk.bot.ask_many(2)
    deadlines = [desk.bot.read(request_id)["deadline"] for request_id in asked]
    assert None not in deadlines
    advance_clock(seconds=230)
    hold(desk, ana, asked[0])
    held = Hold.objects.get(request=asked[0])
    assert held.given_at < held.counts_at < held.request.deadline
    advance_clock(seconds=15)
    # Less than a minute is left: what is decided now counts now.
    hold(desk, ana, asked[1])
    assert desk.bot.status(asked[1]) == "rejected"
    assert not Hold.objects.filter(request=asked[1]).exists()
    assert desk.bot.status(asked[0]) == "rejected"


def hold(desk: Desk, page: Page, request_id: str) -> None:
    desk.open(page, request_id)
    arm(page, "r", "reject")
    page.keyboard.type("No such order")
    with page.expect_response("**/decide/") as answered:
        page.keyboard.press(COMMIT)
    assert answered.value.status == 200


def test_17_the_next_requests_heading_has_the_focus(desk: Desk, ana: Page) -> None:
    asked = [desk.bot.ask("The first"), desk.bot.ask("The second", **HARD)]
    desk.open(ana, asked[0])
    arm(ana, "a", "approve")
    ana.keyboard.press(COMMIT)
    expect(heading(ana, "The second")).to_be_focused()
    assert f"open={asked[1]}" in ana.url
    expect(row(ana, asked[1])).to_have_attribute("data-open", "")


def test_18_after_the_last_one_the_empty_state_has_the_focus(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    arm(ana, "a", "approve")
    ana.keyboard.press(COMMIT)
    empty = ana.get_by_text("That was the last one")
    expect(empty).to_be_visible()
    assert ana.evaluate("document.activeElement.closest('#detail .state') !== null")
    assert "open=" not in ana.url
    assert status_in_the_end(desk, request_id) == "approved"


SCHEMA = {
    "type": "object",
    "properties": {
        "order": {"type": "string"},
        "amount": {"type": "string", "pattern": "^[0-9.]+$"},
    },
    "required": ["order", "amount"],
}


def editable(desk: Desk, page: Page) -> str:
    """A request whose arguments have a schema, with its edit form open."""
    name = f"refund.desk{desk.team.pk.hex[-12:]}"
    make_action_type(name, arguments_schema=SCHEMA)
    arguments = {"order": "5512", "amount": "420.00"}
    request_id = desk.bot.ask(action={"type": name, "arguments": arguments})
    desk.open(page, request_id)
    arm(page, "e", "edit")
    return request_id


def test_24_an_edited_field_shows_before_and_after_and_can_be_reset(desk: Desk, ana: Page) -> None:
    request_id = editable(desk, ana)
    amount = ana.get_by_role("textbox", name="amount")
    frame = ana.locator(".field", has=amount)
    amount.fill("400.00")
    expect(frame.locator(".field__was del")).to_have_text("420.00")
    expect(frame).to_have_attribute("data-changed", "")
    expect(ana.locator("[data-changes]")).to_have_text("1 field changed")
    ana.get_by_role("button", name="Show what changes").click()
    preview = ana.locator("#edit-preview")
    expect(preview).to_contain_text("420.00")
    expect(preview).to_contain_text("400.00")
    ana.locator("#verdict-edit").get_by_role("button", name="Reset").click()
    expect(amount).to_have_value("420.00")
    expect(ana.locator("[data-changes]")).to_have_text("0 fields changed")
    expect(frame.locator(".field__was")).to_have_count(0)
    assert desk.bot.read(request_id)["action"]["arguments"]["amount"] == "420.00"
    assert desk.bot.status(request_id) == "pending"


def test_25_an_edit_against_the_schema_decides_nothing(desk: Desk, ana: Page) -> None:
    request_id = editable(desk, ana)
    before = desk.bot.read(request_id)
    amount = ana.get_by_role("textbox", name="amount")
    amount.fill("four hundred")
    with ana.expect_response("**/decide/") as answered:
        amount.press(COMMIT)
    assert answered.value.status == 422
    wrong = ana.locator(".field--error", has=ana.get_by_role("textbox", name="amount"))
    expect(wrong.locator(".field__error")).to_be_visible()
    expect(ana.get_by_role("textbox", name="amount")).to_have_value("four hundred")
    expect(ana.get_by_role("textbox", name="order")).to_have_value("5512")
    assert (desk.bot.read(request_id), decisions(request_id)) == (before, 0)


def test_26_rejecting_without_a_reason_focuses_the_error(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    arm(ana, "r", "reject")
    with ana.expect_response("**/decide/") as answered:
        ana.keyboard.press(COMMIT)
    assert answered.value.status == 422
    words = ana.locator("#reject-notes")
    expect(words).to_be_focused()
    expect(words).to_have_attribute("aria-invalid", "true")
    described = (words.get_attribute("aria-describedby") or "").split()
    expect(ana.locator(f"#{described[-1]}")).to_be_visible()
    assert (desk.bot.status(request_id), decisions(request_id)) == ("pending", 0)


def test_27_a_changed_request_locks_the_commit_until_it_is_viewed(desk: Desk, ana: Page) -> None:
    request_id = desk.bot.ask()
    desk.open(ana, request_id)
    arm(ana, "r", "reject")
    ana.keyboard.type("Not convinced")
    desk.bot.say(request_id, "Here is a photograph")
    form = ana.locator("#verdict-reject")
    expect(form.get_by_text("Revision 1 → 2")).to_be_visible()
    with sent_posts(ana) as posts:
        ana.keyboard.press(COMMIT)
        expect(form.get_by_role("button", name="Reject")).to_have_attribute("aria-disabled", "true")
    assert (posts, desk.bot.status(request_id)) == ([], "pending")
    form.get_by_role("link", name="View the changes").click()
    expect(detail(ana).get_by_text("Here is a photograph")).to_be_visible()
    expect(ana.locator("#reject-notes")).to_have_value("Not convinced")
    ana.locator("#reject-notes").press(COMMIT)
    expect(ana.get_by_text("That was the last one")).to_be_visible()
    assert status_in_the_end(desk, request_id) == "rejected"


def decisions(request_id: str) -> int:
    return Decision.objects.filter(request=request_id).count()


def status_in_the_end(desk: Desk, request_id: str) -> str:
    """Once it is closed: the hold is over by then."""
    wait_until(
        lambda: desk.bot.status(request_id) in ("approved", "rejected"),
        "the verdict counts",
        timeout=20,
    )
    return desk.bot.status(request_id)
