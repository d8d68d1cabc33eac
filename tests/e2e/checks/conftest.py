from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hitlconsole.accounts.services import create_service_key
from tests.e2e.checks.floor import Desk, Floor, browse, sign_in
from tests.processes import console as running_console

# The machine may be busy: what has a limit of its own says so.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def floor(
    chromium: Browser, committed_db_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Floor]:
    """The browser's driver comes first: Django keeps other connections while its loop runs, and
    those have to be closed before the database goes.
    """
    _, key = create_service_key("ticket desk")
    folder: Path = tmp_path_factory.mktemp("console")
    with running_console(committed_db_of_module, folder) as console:
        yield Floor(console, console.web(), key)


@pytest.fixture
def desk(floor: Floor) -> Iterator[Desk]:
    with floor.desk() as desk:
        yield desk


@pytest.fixture
def ana(page: Page, desk: Desk) -> Page:
    """Ana's browser, signed in, on the queue."""
    with browse(desk.url) as http:
        sign_in(http, desk.url, desk.ana)
        cookies = [(cookie.name, cookie.value or "") for cookie in http.cookies.jar]
    page.context.add_cookies(
        [{"name": name, "value": value, "url": desk.url} for name, value in cookies]
    )
    desk.queue(page)
    return page
