"""Escalation as people meet it: the editor, who was told, and notifications of the browser."""

from playwright.sync_api import BrowserContext, Page, expect

from approvals.models import ApprovalRequest, TeamEscalation
from approvals.services.decide import decide_request
from approvals.vocabulary import Channel, Verdict
from tests.e2e.conftest import Console
from tests.e2e.furniture import furnish_channels, furnish_deliveries
from tests.factories import HARD, submit


def editor(page: Page, console: Console) -> None:
    page.goto(f"{console.server.url}/escalation/{console.team.pk}/")


def tier_names(page: Page) -> list[str]:
    fields = page.locator("input[id^=tier-][id$=-name]")
    return [field.input_value() for field in fields.all()]


def foreseen(page: Page, kind: str) -> list[tuple[str, str]]:
    """(how long after the arrival, name of the tier) of each step of a kind."""
    steps = page.locator(f".foreseen__step--{kind}").all()
    return [
        (
            step.locator(".foreseen__at span").inner_text(),
            step.locator(".foreseen__tier").inner_text(),
        )
        for step in steps
    ]


def escalated(console: Console) -> ApprovalRequest:
    request = submit(console.key, facts=HARD, description="Refund order 5512")
    return decide_request(
        request_id=request.id,
        reviewer=console.ben,
        verdict=Verdict.ESCALATE,
        revision=request.revision,
        channel=Channel.WEB,
        notes="Above my head",
    )


def test_a_tier_is_added_looked_at_and_saved(console: Console, admin: Page) -> None:
    editor(admin, console)
    admin.get_by_role("button", name="Add a tier").click()
    expect(admin.get_by_role("group", name="Tier 2 when tier 1")).to_be_in_viewport()
    expect(admin.get_by_text("Not saved yet")).to_be_visible()
    admin.locator("#tier-0-minutes").fill("10")
    admin.locator("#tier-1-minutes").fill("20")
    admin.locator("#tier-2-name").fill("Duty manager")
    admin.get_by_role("button", name="Look ahead").click()
    expect(admin.get_by_role("heading", name="Who would be told, and when")).to_be_in_viewport()
    assert foreseen(admin, "escalated") == [
        ("after 10 min", "Reviewers and admins"),
        ("after 30 min", "Duty manager"),
    ]
    assert TeamEscalation.objects.count() == 0
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("goes by this escalation policy from now on")).to_be_visible()
    assert tier_names(admin) == ["Reviewers", "Reviewers and admins", "Duty manager"]
    kept = TeamEscalation.objects.get().document["tiers"]
    assert [(tier["name"], tier["seconds"]) for tier in kept] == [
        ("Reviewers", 600),
        ("Reviewers and admins", 1200),
        ("Duty manager", None),
    ]


def test_tiers_are_ordered_by_keyboard_alone(console: Console, admin: Page) -> None:
    editor(admin, console)
    admin.get_by_role("button", name="Move down tier 0").focus()
    admin.keyboard.press("Enter")
    expect(admin.locator("#tier-0-name")).to_have_value("Reviewers and admins")
    expect(admin.get_by_role("button", name="Move up tier 0")).to_be_disabled()
    assert tier_names(admin) == ["Reviewers and admins", "Reviewers"]
    admin.locator("#tier-1-name").fill("Everybody")
    admin.keyboard.press("Enter")
    admin.wait_for_url("**/#preview-title")
    assert tier_names(admin) == ["Reviewers and admins", "Everybody"]
    assert [name for _, name in foreseen(admin, "escalated")] == ["Everybody"]
    assert TeamEscalation.objects.count() == 0


def test_a_reviewer_sees_who_was_told_and_what_became_of_it(console: Console, ana: Page) -> None:
    request = escalated(console)
    furnish_deliveries(console, request, furnish_channels(console))
    ana.goto(f"{console.server.url}/requests/{request.id}/")
    table = ana.get_by_role("table", name="Messages about this request")
    expect(table).to_be_hidden()
    ana.locator("summary", has_text="Who was told").focus()
    ana.keyboard.press("Enter")
    expect(table).to_be_visible()
    rows = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    slack = "Approvals A_very_long_word_without_any_break_that_a_narrow_screen_has_"
    news = "A request was escalated · tier 1"
    assert [row[:4] for row in rows] == [
        [news, "ana, ben", slack, "not needed any more"],
        [news, "ana", "Mail", "on its way"],
        [news, "ana, ben", slack, "failed, tried again"],
        [news, "a system", "SIEM", "given up"],
        [news, "ana", "Mail", "accepted"],
    ]


def test_notifications_of_the_browser_say_whether_they_are_on(
    console: Console, ana: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["notifications"], origin=console.server.url)
    ana.goto(f"{console.server.url}/profile/")
    switch, state = ana.locator("[data-notify-switch]"), ana.locator("[data-notify-state]")
    expect(state).to_have_text("Off.")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.focus()
    ana.keyboard.press("Enter")
    expect(state).to_have_text("On: what comes while you look elsewhere is shown.")
    ana.reload()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(state).to_have_text("On: what comes while you look elsewhere is shown.")
    switch.click()
    expect(state).to_have_text("Off.")
