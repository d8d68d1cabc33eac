"""Selecting rows, and doing one thing to all of them."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from approvals.models import ApprovalRequest, Hold
from approvals.services.claims import claim_request
from hitlconsole.accounts.models import Preferences
from tests.approvals.helpers import decide
from tests.e2e.checks.looking import offsets
from tests.e2e.conftest import THEMES, Console
from tests.e2e.furniture import LONG
from tests.e2e.test_every_page import AXE, TOO_WIDE, VIOLATIONS
from tests.factories import HARD, TAKEOVER, make_agent, submit


def refunds(console: Console, count: int, **fields: Any) -> list[ApprovalRequest]:
    return [submit(console.key, description=f"Refund {n}", **fields) for n in range(count)]


def boxes(page: Page) -> Any:
    return page.locator("#queue-list [data-row-check]")


def selected(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("#queue-list [data-row-check]:checked")]
            .map(box => box.closest("[data-row]").dataset.row)"""
    )
    return found


def ids(requests: list[ApprovalRequest]) -> list[str]:
    return [str(request.id) for request in requests]


def bar(page: Page) -> Any:
    return page.locator("#bulk")


def test_rows_are_selected_by_key_by_range_and_all_at_once(console: Console, ana: Page) -> None:
    _, other = make_agent(console.team, "research-bot")
    submit(other, facts=TAKEOVER)
    requests = refunds(console, 6)
    ana.reload()
    assert bar(ana).is_hidden()
    before = offsets(ana)
    for key in "jjx":
        ana.keyboard.press(key)
    assert selected(ana) == ids(requests[:1])
    expect(bar(ana)).to_contain_text("1 selected")
    assert offsets(ana) == before
    assert ana.evaluate("document.activeElement.matches('[data-row-link]')")
    boxes(ana).nth(4).click(modifiers=["Shift"])
    assert selected(ana) == ids(requests[:5])
    boxes(ana).nth(2).click(modifiers=["Shift"])
    assert selected(ana) == ids(requests[:2])
    everything = ana.get_by_role("checkbox", name="Select all that are shown")
    assert everything.evaluate("box => box.indeterminate")
    everything.click()
    assert selected(ana) == ids(requests)
    expect(bar(ana)).to_contain_text("6 selected")
    ana.keyboard.press("Escape")
    assert selected(ana) == []
    assert bar(ana).is_hidden()
    ana.keyboard.press("X")
    assert selected(ana) == ids(requests)


def test_escape_leaves_the_open_request_before_the_selection(console: Console, ana: Page) -> None:
    requests = refunds(console, 2)
    ana.reload()
    boxes(ana).nth(1).click()
    ana.get_by_role("link", name="Refund 0").click()
    expect(ana.get_by_role("heading", name="Refund 0")).to_be_focused()
    ana.keyboard.press("Escape")
    expect(ana.get_by_text("Choose a request")).to_be_visible()
    assert selected(ana) == ids(requests[1:])
    ana.keyboard.press("Escape")
    assert selected(ana) == []


def test_the_selection_survives_what_happens_meanwhile(console: Console, ana: Page) -> None:
    requests = refunds(console, 54, facts=HARD)
    ana.reload()
    for n in (0, 2):
        boxes(ana).nth(n).click()
    chosen = ids([requests[0], requests[2]])
    decide(requests[0], console.ben, "reject")
    submit(console.key, description="Sooner than all")
    row = ana.locator(f'#queue-list > [data-row="{requests[0].id}"]')
    expect(row).to_contain_text("Rejected by ben", timeout=6000)
    expect(ana.locator("[data-live-pill]")).to_contain_text("1 new", timeout=6000)
    ana.keyboard.press(".")
    # The one that closed, the new one, and the one that came up to the fiftieth place.
    expect(boxes(ana)).to_have_count(52)
    ana.get_by_role("link", name="Load 50 more").click()
    expect(boxes(ana)).to_have_count(55)
    assert selected(ana) == chosen
    expect(bar(ana)).to_contain_text("2 selected")


def test_a_reload_finds_the_rows_and_begins_without_a_selection(
    console: Console, ana: Page
) -> None:
    refunds(console, 54, facts=HARD)
    ana.goto(f"{console.server.url}/?strict=1&sort=oldest")
    ana.get_by_role("link", name="Load 50 more").click()
    expect(boxes(ana)).to_have_count(54)
    boxes(ana).nth(52).click()
    pane = ana.locator(".split__list")
    place = pane.evaluate("list => list.scrollTop")
    ana.locator("[data-row-link]").nth(52).click()
    expect(ana.get_by_role("heading", name="Refund 52")).to_be_visible()
    ana.reload()
    expect(boxes(ana)).to_have_count(54)
    expect(ana.get_by_role("heading", name="Refund 52")).to_be_visible()
    assert "strict=1" in ana.url
    assert "sort=oldest" in ana.url
    assert abs(pane.evaluate("list => list.scrollTop") - place) < 50
    assert place > 0
    assert selected(ana) == []
    assert bar(ana).is_hidden()


def test_approving_several_by_keyboard_and_taking_it_back(console: Console, ana: Page) -> None:
    Preferences.objects.update_or_create(user=console.ana, defaults={"hold_seconds": 30})
    requests = refunds(console, 3)
    ana.reload()
    for key in "jxjx":
        ana.keyboard.press(key)
    ana.keyboard.press("A")
    expect(ana.get_by_role("heading", name="Approve 2 requests?")).to_be_visible()
    assert not Hold.objects.exists()
    ana.keyboard.press("Control+Enter")
    strip = ana.locator("#held")
    expect(strip).to_contain_text("2 can be undone")
    expect(ana.locator("#queue-list")).to_contain_text("You are approving this")
    assert Hold.objects.filter(end=None).count() == 2
    ana.keyboard.press("z")
    expect(ana.get_by_text("Undone: 2. Nothing of it was decided.")).to_be_visible()
    assert not Hold.objects.filter(end=None).exists()
    found = ApprovalRequest.objects.filter(pk__in=ids(requests)).values_list("status", flat=True)
    assert set(found) == {"pending"}


def test_a_slow_answer_shows_that_something_is_on_its_way(console: Console, ana: Page) -> None:
    refunds(console, 1)
    ana.reload()
    waiting: list[Route] = []
    ana.route("**/*open=*", lambda route: waiting.append(route))
    ana.get_by_role("link", name="Refund 0").click(no_wait_after=True)
    skeleton = ana.locator("#detail .pane-waiting")
    expect(skeleton).to_have_css("opacity", "1")
    waiting[0].continue_()
    expect(ana.get_by_role("heading", name="Refund 0")).to_be_focused()
    expect(skeleton).to_have_count(0)


def test_more_than_a_hundred_are_not_sent(console: Console, ana: Page) -> None:
    refunds(console, 101)
    ana.goto(f"{console.server.url}/?view=all&rows=101")
    ana.keyboard.press("X")
    expect(bar(ana)).to_contain_text("101 selected: at most 100 at once")
    claim = bar(ana).get_by_role("button", name="Claim")
    expect(claim).to_have_attribute("aria-disabled", "true")
    claim.click(force=True)
    boxes(ana).nth(100).click()
    expect(claim).not_to_have_attribute("aria-disabled", "true")
    assert not ApprovalRequest.objects.exclude(claimed_by=None).exists()
    claim.click(no_wait_after=True)
    expect(ana.get_by_text("Claimed 100 requests.")).to_be_visible(timeout=30_000)
    assert ApprovalRequest.objects.filter(claimed_by=console.ana).count() == 100


@pytest.mark.parametrize("theme", THEMES)
def test_no_barrier_on_the_pages_of_several(console: Console, ana: Page, theme: str) -> None:
    ana.emulate_media(color_scheme=theme)
    requests = [
        submit(console.key, description=f"Refund \u202e {LONG}", arguments={"order": LONG}),
        *refunds(console, 2),
    ]
    claim_request(request_id=requests[0].id, reviewer=console.ben)
    url = console.server.url

    def look(path: str, *, press: str = "", wait: str = "") -> None:
        ana.goto(url + path)
        for key in press:
            ana.keyboard.press(key)
        if wait:
            ana.wait_for_url(wait)
        ana.wait_for_timeout(400)
        ana.evaluate(AXE)
        assert ana.evaluate(VIOLATIONS) == []
        ana.set_viewport_size({"width": 320, "height": 900})
        assert not ana.evaluate(TOO_WIDE)
        ana.set_viewport_size({"width": 1280, "height": 800})

    look("/?view=all", press="X")
    for key in "ASR":
        look("/?view=all", press=f"X{key}", wait="**/queue/bulk/")
    look("/?view=all", press="XM", wait="**/queue/bulk/*/")
    look("/queue/views/?save=strict%3D1")
    ana.goto(f"{url}/queue/views/?save=q%3D{'x' * 100}")
    ana.get_by_label("Name", exact=True).fill("A view " + "x" * 33)
    ana.keyboard.press("Enter")
    ana.wait_for_url("**/?q=*")
    look(f"/?q={'x' * 100}&sort=nonsense&team=nonsense")
    look("/queue/views/")
