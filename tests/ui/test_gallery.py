"""Every component, in a real browser, under the real content policy."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
VIOLATIONS = """async () => (await axe.run()).violations.map(
    (found) => found.id + " " + found.nodes.map((node) => node.html).join(" "))"""
WIDER = """() => [document.documentElement.scrollWidth - document.documentElement.clientWidth,
    [...document.querySelectorAll("main *")].filter((element) =>
        element.getBoundingClientRect().right > innerWidth + 1
        && !element.closest(".table-scroll, .code__body, .due")).length]"""


def open_gallery(context: BrowserContext, page: Page, site: str, theme: str, width: int) -> None:
    context.add_cookies([{"name": "hitl_theme", "value": theme, "url": site}])
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{site}/ui/gallery/")
    # Skeletons fade in; a half-faded one has no contrast to measure.
    page.wait_for_timeout(500)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 320])
def test_no_barrier_and_no_overflow(
    context: BrowserContext, page: Page, site: str, theme: str, width: int
) -> None:
    open_gallery(context, page, site, theme, width)
    assert page.evaluate(WIDER) == [0, 0]
    page.evaluate(AXE)
    assert page.evaluate(VIOLATIONS) == []


def test_the_help_has_no_barrier(context: BrowserContext, page: Page, site: str) -> None:
    open_gallery(context, page, site, "dark", 1280)
    page.keyboard.press("?")
    page.wait_for_timeout(300)
    assert page.locator("#keys-help").is_visible()
    page.evaluate(AXE)
    assert page.evaluate(VIOLATIONS) == []
    page.keyboard.press("Escape")
    assert not page.locator("#keys-help").is_visible()


def test_what_an_agent_wrote_stays_text(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/ui/gallery/")
    shown = page.locator("td", has_text="First line").first.inner_text()
    assert "⟨U+202E⟩" in shown
    assert "<b>bold</b>" in shown
    assert page.locator(".untrusted a[href*=example]").count() == 0
    raw = page.evaluate(r"document.body.innerText.match(/[\u200b\u202a-\u202e\u2066-\u2069]/g)")
    assert raw is None
    assert [url for url in asked if not url.startswith(site)] == []


def test_the_theme_switches_and_stays(page: Page, site: str) -> None:
    page.goto(f"{site}/ui/gallery/")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    page.get_by_role("button", name="Dark").click()
    page.wait_for_url("**/ui/gallery/")
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    assert page.evaluate(background) == "rgb(14, 16, 22)"
    page.get_by_role("button", name="Light").click()
    page.wait_for_url("**/ui/gallery/")
    assert page.evaluate(background) == "rgb(245, 247, 249)"


def test_an_edit_shows_what_was_there_and_resets(page: Page, site: str) -> None:
    page.goto(f"{site}/ui/gallery/")
    page.keyboard.press("e")
    field = page.locator("#edit-amount")
    assert field.evaluate("field => field === document.activeElement")
    page.keyboard.type("400.00")
    assert page.locator(".field__was").inner_text() == "was: 420.00 Put back"
    assert page.locator("[data-changes]").inner_text() == "1 field changed"
    page.locator("[data-reset]").click()
    assert field.input_value() == "420.00"
    assert page.locator(".field__was").count() == 0
    assert page.locator("[data-changes]").inner_text() == "0 fields changed"


def test_countdowns_follow_the_servers_clock_in_the_same_words(page: Page, site: str) -> None:
    page.clock.install()
    page.goto(f"{site}/ui/gallery/")
    texts = page.locator(".panel .countdown__text")
    shown = [text for text in texts.all_inner_texts() if "d" in text or "h" in text]
    assert shown == ["1 h 06 m", "2 d 7 h"]
    soon = page.locator("[data-urgency=soon] .countdown__text").first
    before = soon.inner_text()
    page.clock.run_for(10_000)
    minutes, seconds = map(int, before.split(":"))
    left = minutes * 60 + seconds - 10
    assert abs(left - sum(map(lambda a, b: int(a) * b, soon.inner_text().split(":"), (60, 1)))) <= 1


def test_messages_stay_until_they_are_dismissed(page: Page, site: str) -> None:
    page.goto(f"{site}/ui/gallery/")
    toasts = page.locator(".toast")
    assert toasts.count() == 2
    toasts.first.get_by_role("button", name="Dismiss").click()
    assert page.locator(".toast__text").all_inner_texts() == [
        "Somebody was faster: Ana rejected this 3 s ago."
    ]
