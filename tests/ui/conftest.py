import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.fixtures import Settings

from tests.browser import fresh_context, started_chromium, strict_page
from tests.ui import live_site


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are no output of a test."""


@pytest.fixture
def site(settings: Settings) -> Iterator[str]:
    """The project's pages and those of live_site.py, without a database."""
    settings.ROOT_URLCONF = "tests.ui.live_site"
    live_site.STATE.reset()
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.daemon_threads = True
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    live_site.STATE.end_streams()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with fresh_context(chromium, patience_ms=30_000) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    with strict_page(context) as page:
        yield page
