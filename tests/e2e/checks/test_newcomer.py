"""Who never saw the console decides with nothing but the keyboard and what its help says."""

from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.e2e.checks.floor import Desk
from tests.e2e.checks.looking import detail
from tests.processes import wait_until

# Each line of the help: its first way, as the words on the keys, and what it says that it does.
HELP = """dialog => [...dialog.querySelectorAll("dl > div")].map(line => [
    [...line.querySelector("dt").childNodes].reduce((ways, node) => {
        if (node.nodeName === "KBD") ways.at(-1).push(node.textContent.trim());
        else if (node.textContent.includes("or")) ways.push([]);
        return ways;
    }, [[]])[0],
    line.querySelector("dd").textContent.trim(),
])"""
# How the browser's driver calls keys that are labelled otherwise.
LABELS = {"Ctrl": "Control", "Esc": "Escape", "↓": "ArrowDown", "↑": "ArrowUp", "Space": " "}


@dataclass(frozen=True)
class Newcomer:
    page: Page
    ways: dict[str, list[str]]

    def do(self, what: str) -> None:
        """By the help's own words, or by how exactly one line of it begins."""
        words = [what] if what in self.ways else [w for w in self.ways if w.startswith(what)]
        [labels] = [self.ways[found] for found in words]
        keys = [LABELS.get(label, label) for label in labels]
        if keys[0] == "Control":
            self.page.keyboard.press("+".join(keys))
        else:
            for key in keys:
                self.page.keyboard.press(key)


def read_help(page: Page) -> Newcomer:
    """The page itself names the key of the help beside the word for it."""
    button = page.get_by_role("button", name="Keyboard")
    page.keyboard.press(button.locator("kbd").inner_text())
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    lines = dialog.evaluate(HELP)
    assert len({what for _, what in lines}) == len(lines), "two keys with the same words"
    return Newcomer(page, {what: labels for labels, what in lines})


def test_ten_requests_are_decided_by_who_read_the_help(desk: Desk, ana: Page) -> None:
    asked = [desk.bot.ask(f"Refund {number}") for number in range(1, 11)]
    desk.queue(ana)
    newcomer = read_help(ana)
    newcomer.do("Back")
    expect(ana.locator("dialog[open]")).to_have_count(0)
    newcomer.do("Next row")
    newcomer.do("Open the row")
    for number in range(1, 11):
        title = detail(ana).get_by_role("heading", name=f"Refund {number}", exact=True)
        expect(title).to_be_focused()
        if number % 3 == 0:
            newcomer.do("Reject")
            ana.keyboard.type("The customer has been refunded already")
        else:
            newcomer.do("Approve")
        newcomer.do("Commit")
    expect(ana.get_by_text("That was the last one")).to_be_visible()
    wanted = ["rejected" if number % 3 == 0 else "approved" for number in range(1, 11)]
    wait_until(lambda: [desk.bot.status(one) for one in asked] == wanted, "all are decided", 20)
    notes = {one: desk.bot.read(one)["decision"]["notes"] for one in asked[2::3]}
    assert set(notes.values()) == {"The customer has been refunded already"}


def test_what_was_decided_by_mistake_is_taken_back_with_the_helps_own_words(
    desk: Desk, ana: Page
) -> None:
    asked = desk.bot.ask_many(2)
    desk.open(ana, asked[0])
    newcomer = read_help(ana)
    newcomer.do("Back")
    newcomer.do("Approve")
    newcomer.do("Commit")
    expect(detail(ana).get_by_role("heading", name="Refund 2")).to_be_focused()
    newcomer.do("Undo")
    expect(detail(ana).get_by_role("heading", name="Refund 1")).to_be_visible()
    assert [desk.bot.status(one) for one in asked] == ["pending", "pending"]
