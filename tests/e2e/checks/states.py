"""Pages in the states that people meet, to be looked at by eyes, by axe, and on a phone."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from hitlconsole.accounts.models import Preferences
from tests.e2e.checks.floor import HARD, TAKEOVER, Desk, Floor
from tests.e2e.checks.looking import detail, heading, row, wait_for_news
from tests.factories import make_action_type

State = Callable[[Floor, Desk, Page], None]
STATES: dict[str, State] = {}
COMMIT = "Control+Enter"


def state(build: State) -> State:
    STATES[build.__name__.replace("_", "-")] = build
    return build


def _step(at: str, action: str, result: str) -> dict[str, str]:
    return {"at": f"2026-05-18T{at}:00Z", "action": action, "result": result}


RICH: dict[str, Any] = {
    "risk": {"reversible": False, "domains": ["financial"], "cost_usd": "420.00"},
    "confidence": {
        "score": 0.82,
        "rationale": "The carrier confirmed the loss on Monday; the customer has no other claim.",
        "uncertainties": ["The order was partly shipped", "The address changed twice this year"],
    },
    "context": {
        "task": "Settle ticket 881: the parcel of order 5512 never arrived",
        "history": [
            _step("10:02", "Read the ticket", "The customer asks for the money back"),
            _step("10:03", "Asked the carrier", "Lost between 14 and 16 May"),
            _step("10:05", "Read the order", "Two items, 420.00 USD, paid by card"),
        ],
        "state": {"order": {"number": "5512", "paid": True, "items": ["lamp", "table"]}},
    },
    "metadata": {"ticket": 881},
}


def refund(number: int, amount: str, why: str, **more: Any) -> dict[str, Any]:
    arguments = {"order": str(number), "amount": amount, "currency": "USD", "reason": why}
    return {
        "description": f"Refund order {number}: {why}",
        "action": {"type": "refund.create", "arguments": arguments},
    } | more


def a_day_of_work(floor: Floor, desk: Desk) -> list[str]:
    """What a queue looks like at ten in the morning."""
    bot = desk.bot
    cost = {"risk": {"reversible": True, "cost_usd": "42.00"}}
    found = [
        bot.ask(**refund(5512, "420.00", "parcel lost", **RICH)),
        bot.ask(**refund(5519, "42.00", "arrived broken", **cost)),
        bot.ask(**refund(5523, "18.50", "wrong colour")),
        bot.ask("Close ticket 904: answered twice", action=_action("ticket.close", ticket="904")),
        bot.ask("E-mail the new terms to 1,204 customers", action=_action("mail.send"), **HARD),
        bot.ask("Close ticket 911: a duplicate of 904", action=_action("ticket.close")),
        bot.ask("Give order 5530 a discount of 5 %", action=_action("discount.give")),
        bot.ask("Delete the test accounts of May", action=_action("account.delete"), **HARD),
    ]
    desk.ben.press(found[2], "claim")
    return found


def _action(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": name, "arguments": arguments or {"number": "1204"}}


@state
def queue_empty(floor: Floor, desk: Desk, page: Page) -> None:
    desk.queue(page)
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()


@state
def queue_nothing_matches(floor: Floor, desk: Desk, page: Page) -> None:
    desk.bot.ask()
    desk.queue(page, "?q=zebra")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


@state
def queue_one(floor: Floor, desk: Desk, page: Page) -> None:
    desk.bot.ask(**refund(5512, "420.00", "parcel lost", **RICH))
    desk.queue(page)


@state
def queue_busy(floor: Floor, desk: Desk, page: Page) -> None:
    """A takeover, a row decided elsewhere, news behind the pill, and a request beside it."""
    found = a_day_of_work(floor, desk)
    with floor.agent(desk.team, f"research-bot-{found[0][-6:]}") as stopped:
        stopped.ask("Buy the report of the analyst", **TAKEOVER)
    desk.open(page, found[0])
    expect(heading(page, "Refund order 5512")).to_be_visible()
    desk.ben.reject(found[5])
    expect(row(page, found[5])).to_contain_text("Rejected by Ben")
    desk.bot.ask("Refund order 5533: never ordered", **HARD)
    wait_for_news(page, 1)


@state
def queue_of_sixty(floor: Floor, desk: Desk, page: Page) -> None:
    desk.bot.ask_many(60, "Close ticket")
    desk.queue(page)
    expect(page.get_by_role("link", name="Load 50 more")).to_be_attached()


@state
def approving_hard(floor: Floor, desk: Desk, page: Page) -> None:
    desk.open(page, desk.bot.ask(**refund(5512, "420.00", "parcel lost", **RICH)))
    page.keyboard.press("a")
    expect(page.locator("#verdict-approve")).to_be_visible()


@state
def reading_the_evidence(floor: Floor, desk: Desk, page: Page) -> None:
    desk.open(page, desk.bot.ask(**refund(5512, "420.00", "parcel lost", **RICH)))
    page.keyboard.press("v")
    expect(page.locator("[data-evidence]")).to_be_in_viewport()


@state
def rejecting_without_a_reason(floor: Floor, desk: Desk, page: Page) -> None:
    desk.open(page, desk.bot.ask())
    page.keyboard.press("r")
    page.keyboard.press(COMMIT)
    expect(page.locator("#reject-notes")).to_have_attribute("aria-invalid", "true")


@state
def editing(floor: Floor, desk: Desk, page: Page) -> None:
    name = f"refund.desk{desk.team.pk.hex[-12:]}"
    properties = {
        "order": {"type": "string", "description": "The number on the invoice"},
        "amount": {"type": "string"},
        "currency": {"enum": ["USD", "EUR"]},
        "notify": {"type": "boolean"},
        "parts": {"type": "integer"},
    }
    schema = {"type": "object", "properties": properties, "required": ["order", "amount"]}
    make_action_type(name, arguments_schema=schema)
    arguments = {"order": "5512", "amount": "420.00", "currency": "USD", "parts": 2}
    desk.open(page, desk.bot.ask(action={"type": name, "arguments": arguments}))
    page.keyboard.press("e")
    page.get_by_role("textbox", name="amount").fill("400.00")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator("#edit-preview")).to_be_visible()


@state
def held(floor: Floor, desk: Desk, page: Page) -> None:
    """Two verdicts that can be undone for long enough to be looked at."""
    Preferences.objects.update_or_create(user=desk.ana, defaults={"hold_seconds": 30})
    found = a_day_of_work(floor, desk)
    for request_id, key in ((found[3], "a"), (found[6], "r")):
        desk.open(page, request_id)
        page.keyboard.press(key)
        page.keyboard.type("Not this week")
        with page.expect_response("**/decide/"):
            page.keyboard.press(COMMIT)
    expect(page.locator("#held [data-held]")).to_have_count(2)


@state
def conflict(floor: Floor, desk: Desk, page: Page) -> None:
    request_id = desk.bot.ask(**refund(5519, "42.00", "arrived broken"))
    desk.open(page, request_id)
    page.keyboard.press("p")
    page.keyboard.press("c")
    page.keyboard.type("Which carrier was it, and did they confirm the loss?")
    desk.ben.reject(request_id)
    page.keyboard.press(COMMIT)
    expect(detail(page).get_by_role("alert")).to_contain_text("Rejected by Ben")


@state
def changed(floor: Floor, desk: Desk, page: Page) -> None:
    request_id = desk.bot.ask(**refund(5519, "42.00", "arrived broken"))
    desk.open(page, request_id)
    page.keyboard.press("r")
    page.keyboard.type("Not convinced")
    desk.bot.say(request_id, "Here is a photograph of the lamp: https://files.example/881.jpg")
    expect(page.locator("#verdict-reject").get_by_text("Revision 1 → 2")).to_be_visible()


@state
def offline(floor: Floor, desk: Desk, page: Page) -> None:
    desk.open(page, a_day_of_work(floor, desk)[0])
    page.context.set_offline(True)
    expect(page.locator("#banner-offline")).to_be_visible()


@state
def session_ended(floor: Floor, desk: Desk, page: Page) -> None:
    desk.open(page, a_day_of_work(floor, desk)[0])
    other = page.context.new_page()
    desk.queue(other)
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in/**")
    other.close()
    expect(page.locator("#banner-session")).to_be_visible()


@state
def rejected_elsewhere(floor: Floor, desk: Desk, page: Page) -> None:
    request_id = desk.bot.ask(**refund(5519, "42.00", "arrived broken"))
    desk.ben.reject(request_id)
    page.goto(f"{desk.url}/requests/{request_id}/")
    expect(page.get_by_text("How it ended")).to_be_visible()


@state
def tried_again(floor: Floor, desk: Desk, page: Page) -> None:
    """A refused request, and the one that tries again."""
    first = desk.bot.ask(**refund(5519, "42.00", "arrived broken"))
    desk.ben.reject(first)
    again = refund(5519, "21.00", "arrived broken, half of it", previous=first)
    page.goto(f"{desk.url}/requests/{desk.bot.ask(**again)}/")


@state
def not_in_sight(floor: Floor, desk: Desk, page: Page) -> None:
    """Another team's request, by its address."""
    with floor.desk() as other:
        desk.open(page, other.bot.ask())


@state
def keyboard_help(floor: Floor, desk: Desk, page: Page) -> None:
    a_day_of_work(floor, desk)
    desk.queue(page)
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()


@state
def server_error(floor: Floor, desk: Desk, page: Page) -> None:
    """The pane's request fails: what was there stays."""
    found = a_day_of_work(floor, desk)
    desk.open(page, found[0])
    page.route(re.compile(rf"open={found[1]}"), lambda route: route.fulfill(status=503))
    row(page, found[1]).locator("[data-row-link]").click()
    expect(page.locator("#banner-failed")).to_be_visible()


@state
def selection(floor: Floor, desk: Desk, page: Page) -> None:
    select(page, desk, a_day_of_work(floor, desk)[1:3])


@state
def many_to_approve(floor: Floor, desk: Desk, page: Page) -> None:
    select(page, desk, a_day_of_work(floor, desk)[1:3])
    page.locator("#bulk button[value=approve]").click()
    expect(page.get_by_role("heading", name="Approve 2 requests?")).to_be_visible()


@state
def many_refused(floor: Floor, desk: Desk, page: Page) -> None:
    """Of three one was decided meanwhile: the result says so."""
    found = a_day_of_work(floor, desk)[1:4]
    select(page, desk, found)
    page.locator("#bulk button[value=reject]").click()
    page.locator("#bulk-notes").fill("Not before the stocktaking")
    desk.ben.reject(found[1])
    page.keyboard.press(COMMIT)
    page.wait_for_url("**/queue/bulk/*/")


def select(page: Page, desk: Desk, requests: list[str]) -> None:
    desk.queue(page)
    for request_id in requests:
        row(page, request_id).locator("[data-row-check]").check()
    expect(page.locator("[data-bulk-count]")).to_have_text(str(len(requests)))


@state
def history(floor: Floor, desk: Desk, page: Page) -> None:
    found = a_day_of_work(floor, desk)
    desk.ben.reject(found[5])
    desk.ben.decide(found[3], "approve")
    desk.ben.decide(found[6], "ask", notes="Who asked for it?")
    page.goto(f"{desk.url}/requests/")


@state
def profile(floor: Floor, desk: Desk, page: Page) -> None:
    page.goto(f"{desk.url}/profile/")


@state
def stopped_agent(floor: Floor, desk: Desk, page: Page) -> None:
    """The row of a takeover, opened."""
    with floor.agent(desk.team, f"research-bot-{desk.team.pk.hex[-6:]}") as stopped:
        request_id = stopped.ask("Buy the report of the analyst", **TAKEOVER)
    page.goto(f"{desk.url}/requests/{request_id}/")
    expect(page.get_by_text("The agent is stopped")).to_be_visible()


@state
def saved_views(floor: Floor, desk: Desk, page: Page) -> None:
    page.goto(f"{desk.url}/queue/views/?save=strict%3D1")
    page.get_by_role("textbox", name="Name").first.fill("Everything strict")
    page.get_by_role("button", name="Save").first.click()
    page.wait_for_url(f"{desk.url}/**")
    desk.queue(page)


@state
def home_empty(floor: Floor, desk: Desk, page: Page) -> None:
    page.goto(f"{desk.url}/home/")


@state
def home(floor: Floor, desk: Desk, page: Page) -> None:
    found = a_day_of_work(floor, desk)
    desk.ben.reject(found[5])
    desk.ben.decide(found[3], "approve")
    page.goto(f"{desk.url}/home/")


@state
def palette(floor: Floor, desk: Desk, page: Page) -> None:
    a_day_of_work(floor, desk)
    desk.queue(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("refund")
    expect(page.locator("#palette [role=option]").first).to_be_visible()
