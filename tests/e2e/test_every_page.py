"""Every page, in both themes: no violation of accessibility, nothing wider than the screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from approvals.models import ApprovalRequest, Delivery, NotificationChannel, OnCallRotation
from approvals.services.decide import decide_request
from approvals.services.exchange import post_message
from approvals.services.executions import claim_execution, report_outcome
from approvals.vocabulary import Channel, Verdict
from autonomy.models import ActionType
from tests.e2e.conftest import THEMES, Console
from tests.e2e.furniture import (
    LONG,
    furnish_channels,
    furnish_deliveries,
    furnish_escalation,
    furnish_notices,
    link_to,
)
from tests.factories import HARD, SOFT, TAKEOVER, make_action_type, make_agent, submit

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
VIOLATIONS = """async () => (await axe.run()).violations.map(found =>
    found.id + ": " + found.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | "))"""
# What fades in has no contrast to measure yet.
SETTLED = """() => document.fonts.ready.then(() =>
    Promise.all(document.getAnimations().map(one => one.finished.catch(() => null))))"""
WIDTHS = (320, 768, 2560)
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def furnish(console: Console) -> dict[str, ApprovalRequest]:
    """Requests in every state, so that every part of the pages is there."""
    furnish_escalation(console)
    properties = {
        "order": {"type": "string", "description": "The order's number"},
        "amount": {"type": "string"},
        "parts": {"type": "integer"},
        "sure": {"type": "boolean"},
        "size": {"enum": ["S", "M"]},
        "tags": {"type": "array"},
    }
    schema = {"type": "object", "properties": properties, "required": ["order"]}
    make_action_type("refund.create", arguments_schema=schema, domains=["financial"])
    make_action_type("order.lookup", side_effects=False)
    rich = {
        "confidence": {"score": 0.8, "rationale": LONG, "uncertainties": ["one", "two"]},
        "context": {
            "task": "Settle the complaint",
            "history": [{"at": "12:00", "action": "looked", "result": LONG}],
            "state": {"order": {"open": True}},
        },
        "arguments": {"order": LONG, "amount": "420.00", "parts": 1, "tags": [1]},
        "metadata": {"ticket": 5},
    }
    found = {
        "open": submit(console.key, facts=HARD, description=f"Refund \u202e {LONG}", **rich),
        "rejected": submit(console.key, description="Refused"),
        "asked": submit(console.key, description="Asked about"),
        "escalated": submit(console.key, facts=HARD, description=f"Escalated {LONG}"),
        "soft": submit(console.key, action_type="ticket.close", description="Close it"),
        "automatic": submit(console.key, action_type="order.lookup", description="Look"),
    }
    decide(console, found["rejected"], Verdict.REJECT)
    decide(console, found["asked"], Verdict.ASK)
    decide(console, found["escalated"], Verdict.ESCALATE)
    found["retry"] = submit(console.key, description="Again", previous=found["rejected"].id)
    post_message(
        agent_id=console.agent.id, request_id=found["open"].id, text=LONG, data={"photo": "x"}
    )
    automatic = found["automatic"].id
    claim_execution(agent_id=console.agent.id, request_id=automatic, claim_id="one")
    report_outcome(
        agent_id=console.agent.id, request_id=automatic, result="failure", details={"why": LONG}
    )
    stopped, key = make_agent(console.team, "research-bot", owner=console.ben)
    found["taken"] = submit(key, facts=TAKEOVER, description="Too unsure")
    assert stopped.name == "research-bot"
    furnish_deliveries(console, found["escalated"], furnish_channels(console))
    furnish_notices(console.admin)
    return found


def decide(console: Console, request: ApprovalRequest, verdict: Verdict) -> None:
    decide_request(
        request_id=request.id,
        reviewer=console.ben,
        verdict=verdict,
        revision=request.revision,
        channel=Channel.WEB,
        notes="Because of this and that",
    )


def addresses(console: Console, found: dict[str, ApprovalRequest]) -> Iterator[str]:
    """An address, with the key that is pressed there behind a `!`."""
    yield from ("/", "/?q=zebra", "/?sort=moon", "/?strict=1&mine=1", "/queue/views/")
    yield from ("/queue/views/?save=strict%3D1", "/requests/", "/requests/?q=zebra")
    yield from ("/agents/", "/agents/new/")
    yield from (f"/requests/{request.id}/" for request in found.values())
    yield f"/?open={found['open'].id}"
    yield from (f"/?open={found['open'].id}!{key}" for key in "aercstv?")
    yield from (f"/requests/{found['open'].id}/evidence/", f"/audit/request/{found['open'].id}/")
    yield f"/agents/{console.agent.id}/"
    yield f"/agents/{found['taken'].agent_id}/"
    yield from ("/action-types/", "/action-types/new/", "/policy/")
    yield from (f"/action-types/{one.id}/" for one in ActionType.objects.all())
    yield "/policy/?profile=2&confidence=0.4&cost_usd=500"
    yield from escalation_addresses(console)
    yield from channel_addresses()
    yield from ("/team/", "/notices/", "/audit/", "/audit/?type=expired", "/profile/", "/nowhere/")


def escalation_addresses(console: Console) -> Iterator[str]:
    team = f"/escalation/{console.team.id}/"
    yield from ("/escalation/", team, f"{team}?arrival=&timezone=Mars&level=2")
    yield from (f"{team}rotations/new/", f"{team}rotations/{OnCallRotation.objects.get().id}/")


def channel_addresses() -> Iterator[str]:
    yield "/channels/"
    yield from (f"/channels/new/{kind}/" for kind in ("email", "slack", "webhook", "apprise"))
    yield from (f"/channels/{one.id}/" for one in NotificationChannel.objects.all())
    yield from ("/channels/messages/", "/channels/messages/?status=dead", "/health/")
    yield from (f"/channels/messages/{one.id}/" for one in Delivery.objects.all())


def linked_addresses(console: Console) -> list[str]:
    """What is behind the links of e-mails: a decision, one for the console only, none any more."""
    (email, *_) = channels = furnish_channels(console)
    assert email.kind == "email"
    found = ["/decide/unknown/"]
    for facts in (SOFT, HARD):
        request = submit(console.key, facts=facts, description=f"Refund \u202e {LONG}")
        message = furnish_deliveries(console, request, channels)["sent"]
        found.append(link_to(message, request, console.ana)[0])
    return found


def visit(page: Page, console: Console, address: str) -> None:
    path, _, key = address.partition("!")
    page.goto(console.server.url + path)
    if key:
        page.keyboard.press(key)
        page.evaluate(SETTLED)


def show_theme(page: Page, theme: str) -> None:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    page.evaluate(SETTLED)


def check(page: Page) -> list[str]:
    """What is wrong with the page as it is: in either theme, or on a screen of some width."""
    page.evaluate(AXE)
    found = []
    for theme in THEMES:
        show_theme(page, theme)
        found += [f"{theme}: {violation}" for violation in page.evaluate(VIOLATIONS)]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate(TOO_WIDE):
            found.append(f"wider than {width} px")
    page.set_viewport_size({"width": 1280, "height": 800})
    return found


@pytest.mark.timeout(600)
def test_every_page_is_accessible_and_fits_every_screen(console: Console, admin: Page) -> None:
    pages = list(addresses(console, furnish(console)))
    # The reviewer's view of a request has the forms.
    console.admin.memberships.create(team=console.team, role="reviewer")
    wrong: dict[str, list[str]] = {}
    for address in pages:
        visit(admin, console, address)
        if found := check(admin):
            wrong[address] = found
    assert wrong == {}


def test_the_pages_outside_the_session_are_accessible_too(console: Console, page: Page) -> None:
    wrong = {}
    linked = linked_addresses(console)
    for address in ("/sign-in/", console.link_for(console.ana), "/sign-in/unknown/", *linked):
        page.goto(address if address.startswith("http") else console.server.url + address)
        if found := check(page):
            wrong[address] = found
    assert wrong == {}
