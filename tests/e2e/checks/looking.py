"""What a page shows and holds, as real values of the DOM."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, Request, expect

OFFSETS = """() => Object.fromEntries([...document.querySelectorAll("#queue-list > [data-row]")]
    .map(row => [row.dataset.row, row.getBoundingClientRect().top]))"""
IN_SIGHT = """() => { const pane = document.querySelector(".split__list").getBoundingClientRect();
    const rows = [...document.querySelectorAll("#queue-list > [data-row]")];
    const middle = (pane.top + pane.bottom) / 2;
    return rows.find(row => row.getBoundingClientRect().top > middle - 60).dataset.row; }"""
FOCUSED_ROW = "document.activeElement.closest('[data-row]')?.dataset.row"
# What the page itself sends to stay up to date is nobody's verdict.
OWN_POSTS = ("/live/",)


def rows(page: Page) -> Locator:
    return page.locator("#queue-list > [data-row]")


def row(page: Page, request_id: str) -> Locator:
    return page.locator(f'#queue-list > [data-row="{request_id}"]')


def row_ids(page: Page) -> list[str]:
    return list(offsets(page))


def offsets(page: Page) -> dict[str, float]:
    """Of every row by its id, from the top of the window, in the order of the list."""
    found: dict[str, float] = page.evaluate(OFFSETS)
    return found


def focused_row(page: Page) -> str | None:
    found: str | None = page.evaluate(FOCUSED_ROW)
    return found


def pill(page: Page) -> Locator:
    return page.locator("[data-live-pill]")


def detail(page: Page) -> Locator:
    return page.locator("#detail")


def heading(page: Page, words: str) -> Locator:
    return detail(page).get_by_role("heading", name=words)


def row_in_sight(page: Page) -> str:
    """A row that is to be seen in full, so that nothing has to scroll to it."""
    found: str = page.evaluate(IN_SIGHT)
    return found


def scrolled(page: Page, selector: str) -> float:
    found: float = page.evaluate("s => document.querySelector(s).scrollTop", selector)
    return found


def scroll_to(page: Page, selector: str, offset: int) -> None:
    page.evaluate("([s, to]) => { document.querySelector(s).scrollTop = to; }", [selector, offset])
    assert scrolled(page, selector) == offset


@contextmanager
def sent_posts(page: Page) -> Iterator[list[str]]:
    """The addresses that the page posts to meanwhile."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and not any(own in request.url for own in OWN_POSTS):
            found.append(request.url)

    page.on("request", note)
    yield found
    page.remove_listener("request", note)


def press_each(page: Page, keys: Iterable[str]) -> None:
    for key in keys:
        page.keyboard.press(key)


def wait_for_news(page: Page, number: int) -> None:
    """Until the page knows of so many rows that it does not show."""
    expect(pill(page)).to_contain_text(f"{number} new")


def wait_for_text(place: Locator, text: str) -> None:
    """As soon as the page has it: `expect` looks once a second in the end."""
    place.page.wait_for_function(
        "([element, text]) => element.textContent.trim() === text",
        arg=[place.element_handle(), text],
    )
