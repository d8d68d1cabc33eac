"""Waiting until what a test has said has arrived at the page, and what the page asked is answered.

The page's own clock is the test's; what travels takes real time, however busy the machine is.
"""

import time

from playwright.sync_api import Page

from tests.ui.live_site import STATE

WATCH = """
window.travelling = { heard: 0, asking: 0, sources: [] };
window.EventSource = class extends EventSource {
    constructor(...given) {
        super(...given);
        window.travelling.sources.push(this);
        const hear = ({ lastEventId }) => {
            window.travelling.heard = Math.max(window.travelling.heard, Number(lastEventId));
        };
        for (const name of ["beat", "change", "look", "bye"]) this.addEventListener(name, hear);
    }
};
const ask = window.fetch;
window.fetch = (...given) => {
    window.travelling.asking += 1;
    return ask(...given).finally(() => { window.travelling.asking -= 1; });
};
"""
# (nothing is asked, the last number that was heard, whether a stream is open or about to be)
_STATE = """() => [window.travelling.asking === 0, window.travelling.heard,
    window.travelling.sources.map((source) => source.readyState)]"""
CONNECTING, OPEN = 0, 1
QUIET_MS = 40
PATIENCE_SECONDS = 10.0


def watch(page: Page) -> None:
    page.add_init_script(WATCH)


def arrive(page: Page) -> None:
    """Twice in a row nothing is under way: an answer may lead to the next question."""
    end, quiet = time.monotonic() + PATIENCE_SECONDS, 0
    while quiet < 2 and time.monotonic() < end:
        page.wait_for_timeout(QUIET_MS)
        quiet = quiet + 1 if _nothing_travels(page) else 0


def _nothing_travels(page: Page) -> bool:
    answered, heard, streams = page.evaluate(_STATE)
    return answered and CONNECTING not in streams and (OPEN not in streams or heard >= STATE.said)
