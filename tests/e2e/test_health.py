"""The health page while it is open."""

import pytest
from playwright.sync_api import Page, expect

from hitlconsole.lib.heartbeats import Service, record_heartbeat
from tests.approvals.helpers import decide
from tests.e2e.conftest import Console
from tests.factories import HARD, submit


@pytest.mark.timeout(240)
def test_the_open_page_follows_and_what_was_unfolded_stays(console: Console, page: Page) -> None:
    page.goto(console.link_for(console.admin))
    page.get_by_role("button", name="Sign in as admin").click()
    page.wait_for_url(f"{console.server.url}/")
    page.goto(f"{console.server.url}/health/")
    state, hours = page.locator("[data-slot=state]"), page.locator("[data-slot=hours] tr")
    expect(state).to_contain_text("Something is not as promised")
    expect(page.locator("[data-slot=plot]")).to_contain_text("Nothing was decided")
    page.get_by_text("As a table").click()
    expect(hours).to_have_count(0)

    for service in Service:
        record_heartbeat(service)
    decide(submit(console.key, facts=HARD), console.ana, "approve")
    submit(console.key, facts=HARD)
    expect(state).to_contain_text("Every promise is kept", timeout=15_000)
    expect(page.locator("[data-slot=findings]")).to_be_empty()
    expect(page.locator(".plot__human")).to_have_count(1)
    expect(page.locator("[data-slot=waiting] tbody tr")).to_have_count(1)
    # The unfolded table has stayed open, and has the hour now.
    expect(hours).to_be_visible()
