"""What an agent wrote is shown in full, and does nothing."""

from playwright.sync_api import Page, expect

from tests.e2e.checks.floor import Desk
from tests.e2e.checks.looking import detail, row

# Scrolls to the last letters of a text; whether they are drawn there, and nothing covers them.
END_IN_SIGHT = """cell => {
    const text = cell.lastChild, range = document.createRange();
    range.setStart(text, text.data.length - 3);
    range.setEnd(text, text.data.length);
    let pane = cell.parentElement;
    while (pane && !/auto|scroll/.test(getComputedStyle(pane).overflowY)) pane = pane.parentElement;
    pane ??= document.scrollingElement;
    const away = range.getBoundingClientRect().top - innerHeight / 2;
    pane.scrollBy({ top: away, behavior: "instant" });
    const box = range.getBoundingClientRect();
    const there = document.elementFromPoint(box.right - 1, box.top + box.height / 2);
    return there?.closest("td") === cell.closest("td");
}"""


def test_21_an_argument_of_10_kb_can_be_read_to_its_end(desk: Desk, ana: Page) -> None:
    words = [f"word{n}" for n in range(600)] + ["W" * 4000] + [f"last{n}" for n in range(300)]
    text = " ".join(words) + " end"
    assert len(text) > 10_000
    arguments = {"order": "5512", "reason": text}
    request_id = desk.bot.ask(action={"type": "refund.create", "arguments": arguments})
    desk.open(ana, request_id)
    value = detail(ana).locator("table.kv td bdi", has_text="word0")
    assert value.inner_text() == text
    assert value.evaluate(END_IN_SIGHT)
    assert ana.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # On a narrow screen, too.
    ana.set_viewport_size({"width": 320, "height": 700})
    assert value.evaluate(END_IN_SIGHT)


def test_22_a_character_that_turns_the_text_around_is_visible(desk: Desk, ana: Page) -> None:
    turned = "Pay invoice \u202egpj.exe"
    arguments = {"file": turned}
    request_id = desk.bot.ask(turned, action={"type": "file.open", "arguments": arguments})
    desk.open(ana, request_id)
    shown = "Pay invoice ⟨U+202E⟩gpj.exe"
    expect(row(ana, request_id).locator("[data-row-link]")).to_contain_text(shown)
    expect(detail(ana).get_by_role("heading").first).to_have_text(shown)
    expect(detail(ana).locator("table.kv td bdi", has_text="gpj")).to_have_text(shown)
    expect(detail(ana).get_by_text("1 hidden character, shown as").first).to_be_visible()
    # Only the exact bytes have it, and they escape nothing: they are the record.
    assert "\u202e" not in detail(ana).get_by_role("heading").first.inner_text()


def test_23_an_agents_html_is_text(desk: Desk, ana: Page) -> None:
    html = '<img src="/nowhere.png" onerror="window.pwned = 1"><script>window.pwned = 1</script>'
    link = 'Look at <a href="https://evil.example/">this</a> https://evil.example/x'
    confidence = {"score": 0.82, "rationale": html, "uncertainties": [link]}
    context = {"task": html, "history": [{"action": html, "result": link}], "state": {html: link}}
    action = {"type": "refund.create", "arguments": {"note": html, html: link}}
    asked = {"action": action, "confidence": confidence, "context": context}
    fetched: list[str] = []
    ana.on("request", lambda request: fetched.append(request.url))
    request_id = desk.bot.ask(html, **asked, metadata={html: link})
    desk.bot.say(request_id, html)
    desk.open(ana, request_id)
    expect(detail(ana).get_by_role("heading").first).to_have_text(html)
    expect(row(ana, request_id).locator("[data-row-link] bdi")).to_have_text(html)
    assert desk.ana.name in ana.content()
    assert ana.evaluate("window.pwned") is None
    assert ana.locator("#detail img, #detail script, #detail iframe").count() == 0
    assert ana.locator("a[href*='evil.example']").count() == 0
    ours = f"{desk.url}/"
    assert [url for url in fetched if not url.startswith(ours) or "nowhere" in url] == []
