"""Every state of the pages is accessible and fits; pictures of all go to var/screenshots/."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from hitlconsole.local.paths import ROOT
from tests.e2e.checks.floor import Desk, Floor
from tests.e2e.checks.states import STATES
from tests.e2e.conftest import THEMES
from tests.e2e.test_every_page import AXE, SETTLED, TOO_WIDE, VIOLATIONS, show_theme

SIZES = ((390, 844), (1440, 900), (2560, 1440))
PICTURES = ROOT / "var" / "screenshots"


@pytest.mark.parametrize("name", sorted(STATES))
def test_39_every_state_is_accessible_and_fits(
    floor: Floor, desk: Desk, ana: Page, name: str
) -> None:
    STATES[name](floor, desk, ana)
    ana.evaluate(AXE)
    found: dict[str, object] = {}
    for theme in THEMES:
        show_theme(ana, theme)
        for width, height in SIZES:
            ana.set_viewport_size({"width": width, "height": height})
            take_picture(ana, PICTURES / f"{name}-{theme}-{width}.png")
        ana.set_viewport_size({"width": 1280, "height": 800})
        if violations := ana.evaluate(VIOLATIONS):
            found[theme] = violations
    ana.set_viewport_size({"width": 320, "height": 800})
    if ana.evaluate(TOO_WIDE):
        found["width"] = "wider than 320 px"
    assert found == {}


def take_picture(page: Page, path: Path) -> None:
    page.evaluate(SETTLED)
    page.screenshot(path=path)
