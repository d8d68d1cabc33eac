"""Home counts what is there."""

from playwright.sync_api import Page, expect

from tests.e2e.checks.floor import HARD, TAKEOVER, Desk, Floor

NUMBERS = """() => Object.fromEntries([...document.querySelectorAll("[data-leads-to]")]
    .map(link => [link.href, [Number(link.dataset.leadsTo), link.textContent]]))"""
ROWS = "#queue-list > [data-row], main table tbody th[scope=row]"


def test_37_a_count_on_home_equals_the_rows_behind_it(floor: Floor, desk: Desk, ana: Page) -> None:
    asked = desk.bot.ask_many(7)
    strict = desk.bot.ask("Delete the test accounts", **HARD)
    with floor.agent(desk.team, f"research-bot-{desk.team.pk.hex[-6:]}") as stopped:
        stopped.ask("Buy the report", **TAKEOVER)
    for request_id, verdict in zip(asked, ("approve", "reject", "reject", "ask"), strict=False):
        desk.ben.decide(request_id, verdict, notes="Because of this")
    desk.ben.decide(strict, "escalate", notes="Too much for one")
    desk.ben.press(asked[5], "claim")
    ana.goto(f"{desk.url}/home/")
    numbers = ana.evaluate(NUMBERS)
    assert len(numbers) > 5
    assert any(count > 1 for count, _ in numbers.values())
    wrong = {}
    for address, (count, words) in numbers.items():
        if (found := rows_behind(ana, address)) != count:
            wrong[f"{words} ({address})"] = (count, found)
    assert wrong == {}


def rows_behind(page: Page, address: str) -> int:
    page.goto(address)
    expect(page.locator("h1")).to_be_visible()
    return page.locator(ROWS).count()
