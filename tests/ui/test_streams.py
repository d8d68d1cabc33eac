"""How a page listens: streams that tell, break off, end, and what it asks then."""

import pytest
from playwright.sync_api import Page, expect

from hitlconsole.ui.gallery import Row
from tests.ui.arriving import arrive, watch
from tests.ui.live_site import FAR_AWAY, STATE

ROWS = [Row(f"r{number}", f"Refund {number}", 3, seconds_left=FAR_AWAY) for number in range(1, 6)]
HIDE = """() => {
    Object.defineProperty(document, "visibilityState", {value: "%s", configurable: true});
    document.dispatchEvent(new Event("visibilitychange")); }"""


@pytest.fixture
def queue(page: Page, site: str) -> Page:
    STATE.rows = list(ROWS)
    STATE.delta = {"revision": "1", "rows": {row.id: {"holder": ""} for row in ROWS}}
    watch(page)
    page.clock.install()
    page.goto(f"{site}/rows/")
    settle(page)
    assert (STATE.opened, len(STATE.streams)) == (1, 1)
    return page


def settle(page: Page, seconds: float = 3.0) -> None:
    """What is under way arrives, and the page's clock goes on."""
    for _ in range(3):
        arrive(page)
        page.clock.run_for(int(seconds * 1000 / 3))
    arrive(page)


def said(page: Page) -> str:
    return page.locator("#status").inner_text()


def test_a_page_that_is_told_asks_at_once_and_otherwise_seldom(queue: Page) -> None:
    before = len(STATE.asked)
    for _ in range(2):
        STATE.say("beat", hears=True)
        settle(queue, 4)
    assert len(STATE.asked) == before
    STATE.say("change", requests=["r1"])
    settle(queue, 2)
    assert len(STATE.asked) == before + 1
    for _ in range(4):
        STATE.say("beat", hears=True)
        settle(queue, 4)
    # Some things change with time alone.
    assert len(STATE.asked) == before + 2


def test_a_burst_of_changes_is_one_question(queue: Page) -> None:
    before = len(STATE.asked)
    for _ in range(50):
        STATE.say("change", requests=None)
    # An answer that took long by the page's clock makes it wait for up to six seconds.
    settle(queue, 6)
    assert before < len(STATE.asked) <= before + 2


def test_where_changes_are_not_heard_of_the_page_asks_every_five_seconds(queue: Page) -> None:
    STATE.say("beat", hears=False)
    settle(queue, 1)
    before = len(STATE.asked)
    for _ in range(5):
        settle(queue, 4)
        STATE.say("beat", hears=False)
    assert before + 3 <= len(STATE.asked) <= before + 5
    expect(queue.locator("[data-live-state]")).to_have_attribute("data-state", "live")


def test_without_streams_the_page_is_live_by_asking(queue: Page) -> None:
    STATE.stream_status = 502
    STATE.end_streams()
    before = len(STATE.asked)
    for _ in range(5):
        settle(queue, 6)
        expect(queue.locator("[data-live-state]")).to_have_attribute("data-state", "live")
    assert len(STATE.asked) >= before + 5
    # Each time after a longer pause.
    assert 3 <= STATE.opened <= 8


def test_a_stream_that_broke_off_is_opened_again_and_asks_what_was_missed(queue: Page) -> None:
    STATE.delta = {"revision": "2", "rows": {"r1": {"holder": "Ana"}}}
    STATE.end_streams()
    settle(queue, 5)
    assert len(STATE.streams) == 1
    expect(queue.locator("[data-row=r1] [data-slot=holder]")).to_have_text("Ana")


def test_what_was_missed_in_silence_is_counted(queue: Page) -> None:
    STATE.status = STATE.stream_status = 503
    STATE.end_streams()
    settle(queue, 14)
    expect(queue.locator("[data-live-state]")).to_have_attribute("data-state", "stale")
    STATE.status = STATE.stream_status = 200
    changed = {"r1": {"holder": "Ana"}, "r2": {"holder": "Ben"}, "r3": {"holder": ""}}
    STATE.delta = {"revision": "2", "rows": changed, "new": ["n1"], "new_count": 1}
    settle(queue, 12)
    expect(queue.locator("[data-live-state]")).to_have_attribute("data-state", "live")
    assert "Up to date again, 3 changed" in said(queue)


def test_a_silent_stream_is_no_sign_of_a_page_that_is_up_to_date(queue: Page) -> None:
    """Its beats come, but what changed is not answered."""
    STATE.status = 503
    STATE.say("change", requests=None)
    for _ in range(4):
        settle(queue, 4)
        STATE.say("beat", hears=True)
    expect(queue.locator("[data-live-state]")).to_have_attribute("data-state", "stale")


def test_a_session_that_ended_elsewhere_shows_at_once(queue: Page) -> None:
    STATE.status = STATE.stream_status = 401
    STATE.say("bye", reason="signed-out")
    expect(queue.locator("#banner-session")).to_be_visible()
    opened, asked = STATE.opened, len(STATE.asked)
    settle(queue, 20)
    assert (STATE.opened, len(STATE.asked)) == (opened, asked)


def test_a_place_that_another_page_took_is_not_taken_back(queue: Page) -> None:
    STATE.say("bye", reason="too-many")
    before = len(STATE.asked)
    settle(queue, 20)
    assert STATE.opened == 1
    assert len(STATE.asked) >= before + 3
    queue.evaluate(HIDE % "hidden")
    queue.evaluate(HIDE % "visible")
    settle(queue, 2)
    assert STATE.opened == 2


def test_a_hidden_page_listens_to_nothing_and_is_not_seen(queue: Page) -> None:
    queue.evaluate(HIDE % "hidden")
    asked, beats = len(STATE.asked), len(STATE.beats)
    settle(queue, 40)
    assert (STATE.opened, len(STATE.asked), len(STATE.beats)) == (1, asked, beats)
    queue.evaluate(HIDE % "visible")
    settle(queue, 2)
    assert STATE.opened == 2
    assert len(STATE.asked) > asked
    assert len(STATE.beats) == beats + 1


def test_a_visible_page_gives_signs_of_life_while_it_is_up_to_date(queue: Page) -> None:
    first = {"mine": "1", "end": "", "open": ""}
    assert STATE.beats == [first]
    for _ in range(4):
        STATE.say("beat", hears=True)
        settle(queue, 5)
    assert STATE.beats in ([first] * 2, [first] * 3)
    queue.keyboard.press("p")
    count = len(STATE.beats)
    settle(queue, 11)
    assert STATE.beats[count:] == [first | {"paused": "1"}]
    STATE.status = 503
    queue.keyboard.press("p")
    settle(queue, 1)
    count = len(STATE.beats)
    settle(queue, 25)
    assert len(STATE.beats) == count


def test_who_else_looks_at_the_open_request_is_filled_in(page: Page, site: str) -> None:
    STATE.rows = list(ROWS)
    STATE.delta = {"revision": "1"}
    watch(page)
    page.clock.install()
    page.goto(f"{site}/rows/?open=r9")
    settle(page)
    assert (STATE.asked[-1]["open"], STATE.beats[-1]["open"]) == ("r9", "r9")
    STATE.delta = {"revision": "2", "rows": {"r9": {"lookers": "Ben is looking too"}}}
    before = len(STATE.asked)
    STATE.say("look", requests=["r1"])
    settle(page, 2)
    assert len(STATE.asked) == before
    STATE.say("look", requests=["r9"])
    settle(page, 2)
    expect(page.locator("[data-slot=lookers]")).to_have_text("Ben is looking too")


def test_many_arrivals_are_announced_as_the_newest_number(queue: Page) -> None:
    for number in range(1, 8):
        STATE.delta = {"revision": str(number + 1), "new": ["n1"], "new_count": number}
        STATE.say("change", requests=None)
        settle(queue, 1.5)
    settle(queue, 6)
    assert said(queue) == "7 new in the queue"
