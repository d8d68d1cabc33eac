"""Reading and editing one request in a real browser."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from approvals.models import ApprovalRequest, Decision, EvidenceLook
from approvals.services.claims import claim_request
from approvals.services.exchange import post_message
from tests.approvals.helpers import decide
from tests.e2e.conftest import THEMES, Console
from tests.factories import HARD, make_action_type, make_agent, make_reviewer, submit

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
VIOLATIONS = """async () => (await axe.run()).violations.map(found =>
    found.id + ": " + found.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | "))"""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order": {"type": "string", "description": "The order's number"},
        "amount": {"type": "string", "pattern": r"^\d+\.\d\d$"},
        "currency": {"enum": ["USD", "EUR"]},
        "notify": {"type": "boolean"},
        "due": {"type": "string", "format": "date"},
        "customer": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "vip": {"type": "boolean"}},
            "required": ["name"],
        },
        "parts": {"type": "array", "items": {"type": "string"}},
        "memo": {"type": ["string", "null"], "maxLength": 12000},
    },
    "required": ["order", "amount"],
}
VOUCHER = {
    "type": "object",
    "properties": {"order": {"type": "string"}, "points": {"type": "integer", "minimum": 1}},
    "required": ["points"],
    "additionalProperties": False,
}
ARGUMENTS: dict[str, Any] = {
    "order": "5512",
    "amount": "420.00",
    "currency": "USD",
    "notify": True,
    "due": "2026-12-01",
    "customer": {"name": "Ада Lovelace", "vip": False},
    "parts": ["lamp", "shade \u202e"],
    "memo": "\n".join(f"Line {number} of what the customer wrote." for number in range(240)),
}


def rich_request(console: Console) -> ApprovalRequest:
    """One with everything that the page has a place for."""
    make_action_type(
        "refund.create", arguments_schema=SCHEMA, quorum=3, domains=["financial"], floor=3
    )
    make_action_type("voucher.send", arguments_schema=VOUCHER)
    for name in ("cleo", "dan", "eve"):
        make_reviewer(console.team, f"{name}@example.com")
    previous = None
    for number, amount in enumerate(("900.00", "700.00", "500.00")):
        tried = submit(
            console.key,
            facts=HARD,
            description=f"Refund {amount} of order 5512",
            arguments=ARGUMENTS | {"amount": amount, "memo": None},
            previous=previous,
        )
        decide(tried, console.ben, "reject", notes=f"Too much, said {number + 1} times")
        previous = tried.id
    other, key = make_agent(console.team, "crm-bot")
    submit(key, facts=HARD, description=f"Refund by {other.name}", arguments=ARGUMENTS)
    request = submit(
        console.key,
        facts=HARD,
        description="Refund order 5512: the parcel was lost on its way",
        arguments=ARGUMENTS,
        previous=previous,
        context=evidence(),
        metadata={"ticket": 7, "channel": "mail"},
        resume_state={"thread": "abc"},
        confidence={"score": 0.9, "rationale": "Seen before", "uncertainties": ["shipped?"]},
    )
    post_message(
        agent_id=console.agent.id,
        request_id=request.id,
        text="The carrier's photo",
        data={"photo": "door.png", "taken": "2026-03-02"},
    )
    decide(request, console.ben, "approve")
    request.refresh_from_db()
    return request


def evidence() -> dict[str, Any]:
    steps = [
        {
            "at": f"2026-03-02T12:{number:02}:00Z",
            "action": f"Step {number}: looked at page {number} of the mailbox",
            "result": {"found": number % 7 == 0, "mails": number} if number % 2 else "nothing new",
        }
        for number in range(50)
    ]
    orders = [{"number": str(5000 + number), "open": number % 3 == 0} for number in range(300)]
    return {"task": "Settle the complaint", "history": steps, "state": {"orders": orders}}


def open_request(console: Console, page: Page, request: ApprovalRequest) -> None:
    page.goto(f"{console.server.url}/requests/{request.id}/")


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found: list[str] = page.evaluate(VIOLATIONS)
    return found


def test_the_evidence_opens_by_a_key_and_is_searched(console: Console, ana: Page) -> None:
    request = submit(console.key, facts=HARD, context=evidence())
    open_request(console, ana, request)
    expect(ana.get_by_text("task, 50 steps, state of 600 values")).to_be_visible()
    assert not EvidenceLook.objects.exists()
    ana.keyboard.press("v")
    expect(ana.get_by_text("Settle the complaint")).to_be_visible()
    assert EvidenceLook.objects.get().user == console.ana
    ana.keyboard.press("v")
    search = ana.get_by_role("searchbox", name="Search the evidence")
    expect(search).to_be_focused()
    ana.keyboard.type("PAGE 17")
    count = ana.locator("[data-evidence-count]")
    expect(count).to_have_text("1 match in 1 of 726 lines")
    steps = ana.locator(".steps > li")
    assert steps.locator("visible=true").count() == 1
    expect(steps.locator("visible=true")).to_contain_text("Step 17")
    assert ana.evaluate("CSS.highlights.get('evidence-found').size") == 1
    ana.keyboard.press("Enter")
    assert ana.evaluate("CSS.highlights.get('evidence-current').size") == 1
    search.fill("5299")
    expect(count).to_have_text("1 match in 1 of 726 lines")
    expect(ana.get_by_role("row", name="5299")).to_be_visible()
    search.fill("no such words")
    expect(count).to_have_text("0 matches in 0 of 726 lines")
    search.fill("")
    expect(count).to_have_text("")
    assert steps.locator("visible=true").count() == 50
    assert ana.evaluate("CSS.highlights.has('evidence-found')") is False


def test_a_search_shows_what_stands_in_a_pane_that_was_closed(console: Console, ana: Page) -> None:
    request = submit(console.key, context=evidence())
    open_request(console, ana, request)
    ana.keyboard.press("v")
    pane = ana.locator("details", has=ana.get_by_text("What it did before"))
    pane.locator("summary").click()
    expect(ana.get_by_text("Step 17:")).to_be_hidden()
    ana.locator("[data-evidence-search]").fill("step 17")
    expect(ana.get_by_text("Step 17:")).to_be_visible()
    ana.locator("[data-evidence-search]").fill("")
    expect(ana.get_by_text("Step 17:")).to_be_hidden()


def test_an_edited_field_is_put_back_by_itself(console: Console, ana: Page) -> None:
    make_action_type("refund.create", arguments_schema=SCHEMA)
    request = submit(console.key, arguments=ARGUMENTS)
    open_request(console, ana, request)
    ana.keyboard.press("e")
    amount = ana.get_by_role("textbox", name="amount")
    amount.fill("400.00")
    ana.get_by_role("textbox", name="name").fill("Ada")
    expect(ana.locator("[data-changes]")).to_have_text("2 fields changed")
    ana.get_by_role("button", name="Put back amount").click()
    expect(amount).to_have_value("420.00")
    expect(amount).to_be_focused()
    expect(ana.locator("[data-changes]")).to_have_text("1 field changed")
    ana.reload()
    expect(amount).to_have_value("420.00")
    expect(ana.get_by_role("textbox", name="name")).to_have_value("Ada")
    ana.get_by_role("button", name="Reset all").click()
    expect(ana.locator("[data-changes]")).to_have_text("0 fields changed")


def test_the_type_is_changed_and_what_that_does_is_seen_first(console: Console, ana: Page) -> None:
    make_action_type("refund.create", arguments_schema=SCHEMA)
    make_action_type("voucher.send", arguments_schema=VOUCHER, floor=3)
    request = submit(console.key, arguments=ARGUMENTS)
    ana.goto(f"{console.server.url}/?open={request.id}")
    ana.keyboard.press("e")
    ana.get_by_role("textbox", name="order").fill("5513")
    ana.locator("#edit-type").select_option("voucher.send")
    ana.get_by_role("button", name="Use its fields").click()
    expect(ana.get_by_role("textbox", name="points")).to_be_visible()
    expect(ana.get_by_role("textbox", name="order")).to_have_value("5513")
    expect(ana.get_by_role("textbox", name="amount")).to_have_count(0)
    ana.get_by_role("textbox", name="points").fill("0")
    ana.keyboard.press("Control+Enter")
    expect(ana.get_by_text("0 is less than the minimum of 1")).to_be_visible()
    expect(ana.get_by_role("textbox", name="points")).to_be_focused()
    ana.get_by_role("textbox", name="points").fill("40")
    ana.keyboard.press("Control+Enter")
    preview = ana.locator("#edit-preview")
    expect(preview).to_contain_text("The level goes from soft approval to hard approval.")
    assert not Decision.objects.exists()
    assert violations(ana) == []
    ana.get_by_role("button", name="Propose the edited action").click()
    expect(ana.get_by_text("Your edit is the new proposal")).to_be_visible()
    request.refresh_from_db()
    assert (request.action_type, request.level, request.status) == ("voucher.send", 3, "pending")


def test_enter_in_a_field_of_an_edit_decides_nothing(console: Console, ana: Page) -> None:
    make_action_type("refund.create", arguments_schema=SCHEMA)
    request = submit(console.key, arguments=ARGUMENTS)
    open_request(console, ana, request)
    ana.keyboard.press("e")
    ana.get_by_role("textbox", name="amount").fill("400.00")
    ana.keyboard.press("Enter")
    expect(ana.locator("#edit-preview")).to_contain_text("counts as your approval")
    assert not Decision.objects.exists()


def test_a_claim_is_kept_while_its_holder_works(console: Console, ana: Page) -> None:
    request = submit(console.key, facts=HARD)
    claim_request(request_id=request.id, reviewer=console.ana)
    request.refresh_from_db()
    until = request.claimed_until
    ana.clock.install()
    open_request(console, ana, request)
    ana.clock.run_for(230_000)
    ana.locator("body").press("Shift")
    request.refresh_from_db()
    assert request.claimed_until == until
    with ana.expect_response(lambda response: "/claim/" in response.url) as renewed:
        ana.clock.run_for(20_000)
    assert renewed.value.status == 204
    request.refresh_from_db()
    assert until is not None
    assert request.claimed_until is not None
    assert request.claimed_until > until
    sent: list[str] = []
    ana.on("request", lambda one: sent.append(one.url) if "/claim/" in one.url else None)
    ana.clock.run_for(600_000)
    assert sent == []


def test_a_rich_request_is_accessible_in_both_themes(console: Console, ana: Page) -> None:
    request = rich_request(console)
    found = {}
    for theme in THEMES:
        ana.context.add_cookies([{"name": "hitl_theme", "value": theme, "url": console.server.url}])
        for address in (f"/requests/{request.id}/", f"/?open={request.id}"):
            ana.goto(console.server.url + address)
            # Opened before, it stands in the page; otherwise the key fetches it.
            if not ana.locator("[data-evidence]").count():
                ana.keyboard.press("v")
            expect(ana.locator("[data-evidence]")).to_be_visible()
            ana.locator("[data-evidence-search]").fill("mailbox")
            ana.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            ana.keyboard.press("Escape")
            ana.keyboard.press("e")
            ana.wait_for_timeout(200)
            if wrong := violations(ana):
                found[f"{theme} {address}"] = wrong
    assert found == {}
