"""Lists that are kept up to date without jumping, the keyboard, drafts and sending once."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hitlconsole.ui.gallery import Row
from tests.ui.arriving import arrive, watch
from tests.ui.live_site import FAR_AWAY, STATE

ROWS = [Row(f"r{number}", f"Refund {number}", 3, seconds_left=FAR_AWAY) for number in range(1, 41)]
TOPS = """() => Object.fromEntries([...document.querySelectorAll("[data-row]")].map(
    (row) => [row.dataset.row, row.getBoundingClientRect().top]))"""


@pytest.fixture
def queue(page: Page, site: str) -> Page:
    STATE.rows = list(ROWS)
    STATE.delta = {"revision": "1"}
    watch(page)
    page.clock.install()
    page.goto(f"{site}/rows/")
    expect(page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
    return page


def answer(page: Page, **delta: Any) -> None:
    """The server has this to say, tells that there is something, and the page has asked."""
    STATE.delta, before = delta, len(STATE.asked)
    STATE.say("change", requests=None)
    for _ in range(20):
        arrive(page)
        if len(STATE.asked) > before:
            return
        page.clock.run_for(500)
    raise AssertionError("the page has not asked")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent"))


def test_what_the_page_asks(queue: Page) -> None:
    answer(queue, revision="2")
    answer(queue, revision="2")
    first, *_, last = STATE.asked
    shown = ",".join(row.id for row in ROWS)
    same = {"mine": "1", "since": "c1", "end": "", "shown": shown, "open": ""}
    assert first == same | {"revision": ""}
    assert last == same | {"revision": "2"}


def test_updates_move_nothing(queue: Page) -> None:
    queue.keyboard.press("j")
    queue.keyboard.press("j")
    queue.keyboard.press("x")
    queue.keyboard.press("a")
    queue.keyboard.type("half a thought")
    queue.evaluate("scrollTo(0, 300)")
    before, offset = queue.evaluate(TOPS), queue.evaluate("scrollY")
    for number in range(3):
        answer(
            queue,
            revision=str(number),
            rows={"r2": {"holder": "Ana", "level": "<b>4</b>"}},
            new=["n1"],
            new_count=1,
            urgent=0,
        )
    assert queue.evaluate(TOPS) == before
    assert queue.evaluate("scrollY") == offset
    assert focused(queue) == "note"
    assert queue.locator("#note").input_value() == "half a thought"
    assert queue.locator("[data-row=r2] [data-row-check]").is_checked()
    assert queue.locator("[data-row=r2] [data-slot=holder]").inner_text() == "Ana"
    assert queue.locator("[data-row]").count() == len(ROWS)


def test_a_row_keeps_the_focus(queue: Page) -> None:
    queue.keyboard.press("j")
    for number in range(5):
        answer(queue, revision=str(number), rows={"r1": {"holder": f"holder {number}"}})
    link = queue.locator("[data-row=r1] [data-row-link]")
    assert link.evaluate("link => link === document.activeElement")


def test_what_is_focused_inside_a_slot_stays(queue: Page) -> None:
    holder = '<a href="/rows/" id="who">Ana</a> for {} s'
    answer(queue, revision="2", rows={"r1": {"holder": holder.format(1)}})
    queue.locator("#who").focus()
    answer(queue, revision="3", rows={"r1": {"holder": holder.format(2)}})
    assert queue.locator("[data-row=r1] [data-slot=holder]").text_content() == "Ana for 2 s"
    assert focused(queue) == "who"


def test_new_rows_wait_until_they_are_asked_for(queue: Page) -> None:
    pill = queue.locator("[data-live-pill]")
    assert not pill.is_visible()
    answer(queue, revision="2", new=["n1", "n2"], new_count=2, urgent=1)
    assert pill.inner_text().split("\n")[0].strip(" .") == "2 new, 1 urgent"
    STATE.rows = [Row("n1", "First", 3), *ROWS[:5], Row("n2", "Second", 3), *ROWS[5:]]
    STATE.delta = {"revision": "3"}
    queue.keyboard.press("j")
    queue.keyboard.press(".")
    expect(queue.locator("[data-row]")).to_have_count(len(ROWS) + 2)
    order = queue.locator("[data-row]").evaluate_all("rows => rows.map((row) => row.dataset.row)")
    assert order == ["n1", *(row.id for row in ROWS[:5]), "n2", *(row.id for row in ROWS[5:])]
    assert focused(queue).startswith("Refund 1")
    assert not pill.is_visible()


def test_the_pill_says_where_it_stops_counting(queue: Page) -> None:
    text = queue.locator("[data-live-pill-text]")
    answer(queue, revision="2", new=["n1"], new_count=200, new_more=False)
    assert text.inner_text() == "200 new"
    answer(queue, revision="3", new=["n1"], new_count=200, new_more=True)
    assert text.inner_text() == "more than 200 new"
    answer(queue, revision="4", new=["n1"], new_count=200, new_more=True, urgent=2)
    assert text.inner_text() == "more than 200 new, at least 2 urgent"


def test_a_row_decided_elsewhere_greys_in_place(queue: Page) -> None:
    before = queue.evaluate(TOPS)
    answer(queue, revision="2", gone={"r3": "Approved by Ana 2 s ago"})
    row = queue.locator("[data-row=r3]")
    assert row.locator("[data-slot=outcome]").inner_text() == "Approved by Ana 2 s ago"
    assert "row--gone" in str(row.get_attribute("class"))
    assert queue.evaluate(TOPS) == before


def test_silence_shows_then_locks_approving(queue: Page) -> None:
    state = queue.locator("[data-live-state]")
    approve, reject = queue.locator("[data-arm=approve]"), queue.locator("[data-arm=reject]")
    STATE.status = 503
    queue.clock.run_for(12_000)
    expect(state).to_have_attribute("data-state", "stale")
    assert "last update" in state.inner_text()
    assert approve.get_attribute("aria-disabled") is None
    queue.clock.run_for(19_000)
    expect(approve).to_have_attribute("aria-disabled", "true")
    assert queue.locator("#banner-stale").is_visible()
    queue.keyboard.press("a")
    assert not queue.locator("#note").is_visible()
    queue.keyboard.press("r")
    assert focused(queue) == "reason"
    assert reject.get_attribute("aria-disabled") is None
    queue.keyboard.press("Escape")
    STATE.status = 200
    answer(queue, revision="2", new=["n1"], new_count=1)
    expect(state).to_have_attribute("data-state", "live")
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    assert not queue.locator("#banner-stale").is_visible()
    assert queue.locator("[data-live-pill]").is_visible()


def test_offline_locks_commits_and_keeps_the_draft(queue: Page) -> None:
    queue.keyboard.press("a")
    queue.keyboard.type("kept")
    queue.context.set_offline(True)
    expect(queue.locator("#banner-offline")).to_be_visible()
    queue.keyboard.press("Control+Enter")
    queue.context.set_offline(False)
    expect(queue.locator("#banner-offline")).to_be_hidden()
    assert STATE.posts == []
    queue.reload()
    assert queue.locator("#note").input_value() == "kept"
    assert queue.locator("#note").is_visible()


def test_a_draft_goes_when_the_server_has_taken_it(queue: Page, site: str) -> None:
    queue.keyboard.press("r")
    queue.keyboard.type("wrong amount")
    queue.goto(f"{site}/rows/?done=1")
    assert queue.locator("#reason").input_value() == ""
    queue.goto(f"{site}/rows/")
    assert not queue.locator("#reason").is_visible()


def test_an_ended_session_is_a_banner(queue: Page) -> None:
    STATE.status = 401
    queue.clock.run_for(2100)
    expect(queue.locator("#banner-session")).to_be_visible()
    asked = len(STATE.asked)
    queue.clock.run_for(6000)
    arrive(queue)
    assert len(STATE.asked) == asked
    assert queue.locator("[data-row]").count() == len(ROWS)


def test_a_changed_revision_locks_the_commit(queue: Page) -> None:
    queue.keyboard.press("a")
    answer(queue, revision="2", rows={"r1": {"@revision": "4"}})
    assert queue.locator("[data-outdated-text]").inner_text() == "Revision 3 → 4"
    queue.keyboard.press("Control+Enter")
    queue.wait_for_timeout(200)
    assert STATE.posts == []


def test_paused_rows_stay_as_they_are(queue: Page) -> None:
    queue.keyboard.press("p")
    answer(queue, revision="2", rows={"r1": {"holder": "Ana"}}, new=["n1"], new_count=1)
    assert queue.locator("[data-row=r1] [data-slot=holder]").inner_text() == ""
    assert not queue.locator("[data-live-pill]").is_visible()
    queue.keyboard.press("p")
    expect(queue.locator("[data-row=r1] [data-slot=holder]")).to_have_text("Ana")


def test_a_letter_arms_and_sends_nothing(queue: Page) -> None:
    queue.keyboard.press("a")
    assert focused(queue) == "note"
    assert queue.locator("[data-arm=approve]").get_attribute("aria-expanded") == "true"
    queue.keyboard.type("jkxare.p?")
    assert queue.locator("#note").input_value() == "jkxare.p?"
    queue.keyboard.press("Escape")
    queue.keyboard.press("Escape")
    assert not queue.locator("#note").is_visible()
    queue.keyboard.press("a")
    assert queue.locator("#note").input_value() == "jkxare.p?"
    queue.keyboard.press("r")
    assert STATE.posts == []


def test_pressing_twice_decides_once(queue: Page) -> None:
    queue.keyboard.press("a")
    queue.keyboard.type("fine")
    queue.keyboard.press("Control+Enter")
    queue.keyboard.press("Control+Enter")
    expect(queue).to_have_title("Decided")
    [sent] = STATE.posts
    assert (sent["note"], len(sent["token"])) == ("fine", 36)


def test_with_modifiers_letters_are_the_browsers(queue: Page) -> None:
    queue.evaluate("addEventListener('keydown', (event) => event.preventDefault())")
    for key in ("Control+a", "Alt+r", "Meta+a"):
        queue.keyboard.press(key)
    assert queue.locator("form.verdict:visible").count() == 0


def test_shortcuts_can_be_switched_off(queue: Page, site: str) -> None:
    queue.context.add_cookies([{"name": "hitl_shortcuts", "value": "off", "url": site}])
    queue.reload()
    queue.keyboard.press("a")
    assert queue.locator("form.verdict:visible").count() == 0
    queue.locator("[data-arm=approve]").click()
    queue.keyboard.press("Escape")
    queue.keyboard.press("Escape")
    assert queue.locator("form.verdict:visible").count() == 0


def test_a_sequence_goes_elsewhere(queue: Page, site: str) -> None:
    target = queue.locator("[data-key='g a']").get_attribute("href")
    assert target == "/agents/"
    with queue.expect_request(f"{site}{target}") as asked:
        queue.keyboard.press("g")
        queue.keyboard.press("a")
    assert (asked.value.method, asked.value.is_navigation_request()) == ("GET", True)
    # Nobody is signed in here; a page that is closed on its way would not always close.
    queue.wait_for_url(f"{site}/sign-in/**")
