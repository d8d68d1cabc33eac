"""A real browser, for the tests that look at pages as people do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")


@contextmanager
def started_chromium() -> Iterator[Browser]:
    """Skips the test where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: no browser to try the pages in")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def fresh_context(browser: Browser, *, patience_ms: float) -> Iterator[BrowserContext]:
    """Cookies and storage of its own; `patience_ms` is how long a step may take."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(patience_ms)
    yield context
    context.close()


@contextmanager
def strict_page(context: BrowserContext) -> Iterator[Page]:
    """An error of a script, or a breach of the content policy, fails the test."""
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield page
    assert problems == []
