"""Working the queue: by keyboard, live, and without losing anything."""

from typing import Any

from playwright.sync_api import Page, expect

from approvals.models import ApprovalRequest, Decision, Presence, Takeover
from approvals.services.decide import decide_request
from approvals.services.exchange import post_message
from approvals.services.takeovers import release_takeover
from approvals.vocabulary import Channel, Verdict
from tests.e2e.conftest import Console
from tests.factories import HARD, TAKEOVER, make_action_type, make_agent, submit


def ben_rejects(console: Console, request: ApprovalRequest) -> None:
    decide_request(
        request_id=request.id,
        reviewer=console.ben,
        verdict=Verdict.REJECT,
        revision=request.revision,
        channel=Channel.WEB,
        notes="Already refunded",
    )


def status(request: ApprovalRequest) -> str:
    request.refresh_from_db()
    return request.status


def offsets(page: Page) -> dict[str, float]:
    found: dict[str, float] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("#queue-list > [data-row]")]
            .map(row => [row.dataset.row, row.getBoundingClientRect().top]))"""
    )
    return found


def test_deciding_by_keyboard_goes_on_with_the_next(console: Console, ana: Page) -> None:
    first = submit(console.key, description="Refund one")
    second = submit(console.key, description="Refund two")
    ana.reload()
    ana.keyboard.press("j")
    ana.keyboard.press("Enter")
    expect(ana.get_by_role("heading", name="Refund one")).to_be_visible()
    assert f"open={first.id}" in ana.url
    ana.keyboard.press("a")
    expect(ana.locator("#verdict-approve")).to_be_visible()
    assert status(first) == "pending"
    ana.keyboard.type("Parcel is lost")
    ana.keyboard.press("Control+Enter")
    expect(ana.get_by_text("Approved by you: Refund one")).to_be_visible()
    assert (status(first), Decision.objects.get().notes) == ("approved", "Parcel is lost")
    heading = ana.get_by_role("heading", name="Refund two")
    expect(heading).to_be_focused()
    assert f"open={second.id}" in ana.url
    ana.keyboard.press("r")
    ana.keyboard.type(" ")
    ana.keyboard.press("Control+Enter")
    expect(ana.get_by_text("That was the last one")).to_be_visible()
    assert status(second) == "rejected"


def test_a_row_decided_elsewhere_greys_in_its_place(console: Console, ana: Page) -> None:
    requests = [submit(console.key, description=f"Refund {n}") for n in range(4)]
    ana.reload()
    before = offsets(ana)
    ben_rejects(console, requests[1])
    row = ana.locator(f'#queue-list > [data-row="{requests[1].id}"]')
    expect(row).to_have_class("row row--gone", timeout=4000)
    expect(row).to_contain_text("Rejected by ben")
    after = offsets(ana)
    assert list(after) == list(before)
    assert after == before


def test_new_rows_wait_behind_the_pill(console: Console, ana: Page) -> None:
    shown = [submit(console.key, description=f"Refund {n}") for n in range(2)]
    ana.reload()
    before = offsets(ana)
    ana.locator("[data-row-link]").first.focus()
    fresh = [submit(console.key, description=f"New {n}", facts=HARD) for n in range(3)]
    pill = ana.locator("[data-live-pill]")
    expect(pill).to_contain_text("3 new", timeout=4000)
    assert offsets(ana) == before
    summary = ana.locator("[data-live-summary]")
    expect(summary).to_have_text("5 open, 3 not shown")
    assert ana.evaluate("document.activeElement.closest('[data-row]').dataset.row") == (
        str(shown[0].id)
    )
    ana.keyboard.press(".")
    expect(ana.locator("#queue-list > [data-row]")).to_have_count(5)
    expect(pill).to_be_hidden()
    expect(summary).to_have_text("5 open, all shown")
    assert list(offsets(ana)) == [str(request.id) for request in (*shown, *fresh)]
    ana.locator(f'[data-row="{fresh[0].id}"] [data-row-link]').click()
    expect(ana.get_by_role("heading", name="New 0")).to_be_visible()


def test_a_long_list_takes_new_rows_and_later_pages_without_repeating_any(
    console: Console, ana: Page
) -> None:
    late = [submit(console.key, description=f"Refund {n}", facts=HARD) for n in range(54)]
    ana.reload()
    rows = ana.locator("#queue-list > [data-row]")
    expect(rows).to_have_count(50)
    expect(ana.locator("[data-live-summary]")).to_have_text("54 open, 4 not shown")
    assert ana.locator("[data-live-pill]").is_hidden()
    soon = submit(console.key, description="Sooner than all")
    expect(ana.locator("[data-live-pill]")).to_contain_text("1 new", timeout=4000)
    ana.keyboard.press(".")
    expect(rows.first).to_contain_text("Sooner than all")
    more = ana.get_by_role("link", name="Load 50 more")
    more.click()
    expect(more).to_be_hidden()
    assert list(offsets(ana)) == [str(request.id) for request in (soon, *late)]
    expect(ana.locator("[data-live-summary]")).to_have_text("55 open, all shown")


def test_an_agent_that_stops_is_news_behind_the_pill_and_comes_first(
    console: Console, ana: Page
) -> None:
    shown = [submit(console.key, description=f"Refund {n}") for n in range(2)]
    ana.reload()
    before = offsets(ana)
    _, other_key = make_agent(console.team, "research-bot")
    submit(other_key, facts=TAKEOVER, description="Too unsure")
    pill = ana.locator("[data-live-pill]")
    expect(pill).to_contain_text("1 new, 1 urgent", timeout=4000)
    assert offsets(ana) == before
    ana.keyboard.press(".")
    rows = ana.locator("#queue-list > [data-row]")
    expect(rows).to_have_count(3)
    takeover = Takeover.objects.get()
    assert list(offsets(ana)) == [str(takeover.id), *(str(request.id) for request in shown)]
    expect(rows.first).to_contain_text("research-bot is stopped")
    expect(rows.first).to_have_class("row row--takeover")
    release_takeover(takeover_id=takeover.id, admin=console.admin)
    expect(rows.first).to_contain_text("Released", timeout=4000)
    expect(rows.first).to_have_class("row row--takeover row--gone")


def test_the_first_request_of_an_empty_queue_takes_the_empty_states_place(
    console: Console, ana: Page
) -> None:
    expect(ana.get_by_text("Nothing waits for you")).to_be_visible()
    submit(console.key, description="The first one")
    expect(ana.locator("[data-live-pill]")).to_contain_text("1 new", timeout=4000)
    ana.keyboard.press(".")
    expect(ana.get_by_role("link", name="The first one")).to_be_visible()
    expect(ana.get_by_text("Nothing waits for you")).to_be_hidden()


def test_a_late_commit_shows_who_decided_and_keeps_the_draft(console: Console, ana: Page) -> None:
    request = submit(console.key)
    ana.goto(f"{console.server.url}/?open={request.id}")
    ana.keyboard.press("p")
    ana.keyboard.press("c")
    ana.keyboard.type("Which carrier?")
    ben_rejects(console, request)
    ana.keyboard.press("Control+Enter")
    expect(ana.locator("#detail").get_by_text("Rejected by ben").first).to_be_visible()
    expect(ana.locator("#detail")).to_contain_text("Which carrier?")
    assert Decision.objects.filter(effect="closed").count() == 1


def test_a_changed_request_locks_the_commit_until_it_is_viewed(console: Console, ana: Page) -> None:
    request = submit(console.key)
    ana.goto(f"{console.server.url}/?open={request.id}")
    ana.keyboard.press("r")
    ana.locator("#reject-notes").fill("Not convinced")
    post_message(agent_id=console.agent.id, request_id=request.id, text="Here is a photograph")
    form = ana.locator("#verdict-reject")
    expect(form.get_by_text("Revision 1 → 2")).to_be_visible(timeout=5000)
    ana.keyboard.press("Control+Enter")
    assert status(request) == "pending"
    form.get_by_role("link", name="View the changes").click()
    expect(ana.get_by_text("Here is a photograph")).to_be_visible()
    ana.keyboard.press("r")
    expect(ana.locator("#reject-notes")).to_have_value("Not convinced")
    ana.locator("#reject-notes").press("Control+Enter")
    expect(ana.get_by_text("That was the last one")).to_be_visible()
    assert status(request) == "rejected"


def test_typed_text_survives_updates_and_a_reload(console: Console, ana: Page) -> None:
    request = submit(console.key)
    ana.goto(f"{console.server.url}/?open={request.id}")
    ana.keyboard.press("r")
    ana.locator("#reject-notes").fill("Half a thou")
    submit(console.key, description="Another")
    expect(ana.locator("[data-live-pill]")).to_contain_text("1 new", timeout=4000)
    expect(ana.locator("#reject-notes")).to_have_value("Half a thou")
    ana.keyboard.press("Escape")
    ana.reload()
    ana.keyboard.press("r")
    expect(ana.locator("#reject-notes")).to_have_value("Half a thou")
    assert status(request) == "pending"


def test_committing_twice_at_once_is_one_decision(console: Console, ana: Page) -> None:
    request = submit(console.key)
    ana.goto(f"{console.server.url}/requests/{request.id}/")
    ana.keyboard.press("a")
    ana.evaluate(
        """() => { const form = document.getElementById("verdict-approve");
            const sent = {method: "POST", body: new URLSearchParams(new FormData(form))};
            return Promise.all([1, 2, 3].map(() => fetch(form.action, sent))); }"""
    )
    assert status(request) == "approved"
    assert Decision.objects.count() == 1


def test_an_open_queue_is_presence_and_a_request_alone_is_not(console: Console, ana: Page) -> None:
    request = submit(console.key)
    ana.wait_for_timeout(500)
    assert Presence.objects.filter(user=console.ana).count() == 1
    Presence.objects.all().delete()
    ana.goto(f"{console.server.url}/requests/{request.id}/")
    ana.wait_for_timeout(3000)
    assert not Presence.objects.exists()


def test_an_ended_session_shows_a_banner_and_no_login_page(console: Console, ana: Page) -> None:
    request = submit(console.key)
    ana.goto(f"{console.server.url}/?open={request.id}")
    ana.keyboard.press("r")
    ana.locator("#reject-notes").fill("Not lost at all")
    ana.context.clear_cookies()
    expect(ana.locator("#banner-session")).to_be_visible(timeout=15_000)
    expect(ana.locator("#reject-notes")).to_have_value("Not lost at all")
    ana.locator("#reject-notes").press("Control+Enter")
    ana.wait_for_timeout(500)
    expect(ana.locator("#reject-notes")).to_have_value("Not lost at all")
    assert status(request) == "pending"


def test_back_returns_to_the_filtered_list(console: Console, ana: Page) -> None:
    request = submit(console.key, description="Refund alpha")
    submit(console.key, description="Refund beta")
    ana.goto(f"{console.server.url}/?q=alpha")
    ana.get_by_role("link", name="Refund alpha").click()
    expect(ana.get_by_role("heading", name="Refund alpha")).to_be_visible()
    assert f"open={request.id}" in ana.url
    ana.go_back()
    expect(ana.get_by_role("searchbox", name="Search")).to_have_value("alpha")
    expect(ana.locator("#queue-list > [data-row]")).to_have_count(1)
    ana.go_forward()
    expect(ana.get_by_role("heading", name="Refund alpha")).to_be_visible()


def test_on_a_narrow_screen_the_detail_takes_the_lists_place(console: Console, ana: Page) -> None:
    submit(console.key, description="Refund alpha")
    ana.set_viewport_size({"width": 390, "height": 800})
    ana.goto(f"{console.server.url}/")
    ana.get_by_role("link", name="Refund alpha").click()
    expect(ana.get_by_role("heading", name="Refund alpha")).to_be_visible()
    expect(ana.locator("#queue-list")).to_be_hidden()
    ana.get_by_role("link", name="List").click()
    expect(ana.locator("#queue-list")).to_be_visible()
    expect(ana.get_by_role("heading", name="Refund alpha")).to_be_hidden()


def test_an_edited_field_shows_what_it_was(console: Console, ana: Page) -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "string"}}}
    make_action_type("refund.create", arguments_schema=schema)
    request = submit(console.key, arguments={"amount": "420.00"})
    ana.goto(f"{console.server.url}/?open={request.id}")
    ana.keyboard.press("e")
    ana.get_by_role("textbox", name="amount").fill("400.00")
    expect(ana.locator("[data-changes]")).to_have_text("1 field changed")
    ana.get_by_role("button", name="Show what changes").click()
    expect(ana.locator("#edit-preview")).to_contain_text("420.00")
    assert status(request) == "pending"
    ana.get_by_role("textbox", name="amount").press("Control+Enter")
    expect(ana.get_by_text("Approved with edits by you")).to_be_visible()
    request.refresh_from_db()
    assert b'"amount":"400.00"' in bytes(request.action)


def test_the_python_snippet_of_the_agents_page_runs(console: Console, ana: Page) -> None:
    make_action_type("order.lookup", side_effects=False)
    ana.goto(f"{console.server.url}/agents/{console.agent.id}/")
    snippet = ana.locator("#snippet-python").inner_text()
    base = snippet[snippet.index('"') + 1 : snippet.index("/api/v1")]
    names: dict[str, Any] = {}
    exec(snippet.replace(base, console.server.url).replace('"KEY"', repr(console.key)), names)  # noqa: S102
    request = ApprovalRequest.objects.get()
    assert (request.action_type, request.execution) == ("order.lookup", "reported")
