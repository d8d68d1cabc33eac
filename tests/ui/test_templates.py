"""Rules that every template and asset keeps."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from hitlconsole.ui.keys import KEY_GROUPS
from hitlconsole.ui.nav import NAV
from hitlconsole.ui.words import STATES

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(ROOT.glob("templates/**/*.html")) + sorted(ROOT.glob("*/**/templates/**/*.html"))
# A mail has no style sheet: its styles stand in it.
TEMPLATES = [path for path in TEMPLATES if not {".venv", "var", "email"} & {*path.parts}]
COMPONENTS = sorted((ROOT / "templates/components").glob("*.html"))
COMMENT = re.compile(r"{% comment %}.*?{% endcomment %}", re.DOTALL)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def source(path: Path) -> str:
    return COMMENT.sub("", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_nothing_inline(path: Path) -> None:
    text = source(path)
    assert re.findall(r"\sstyle\s*=", text) == []
    assert re.findall(r"""\son[a-z]+=["']""", text) == []
    assert re.findall(r"<style\b", text) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert re.findall(r"javascript:|\bhx-on|hx-vals=.js:", text) == []


@pytest.mark.parametrize("path", COMPONENTS, ids=name)
def test_a_component_says_what_it_takes(path: Path) -> None:
    assert path.read_text().startswith("{% comment %}\n")


def sprite_icons() -> set[str]:
    return set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/icons/sprite.svg").read_text()))


def used_icons() -> set[str]:
    text = "\n".join(source(path) for path in TEMPLATES)
    found = re.findall(r'{% icon "([^"]+)"|\bicon(?:_name)?="([^"]+)"', text)
    found += re.findall(r'icon_name\|default:"([^"]+)"()', text)
    named = {first or second for first, second in found}
    return named | {look.icon for look in STATES.values()} | {entry.icon for entry in NAV}


def test_every_icon_that_is_used_is_drawn() -> None:
    assert used_icons() - sprite_icons() == set()


def test_a_key_means_one_thing() -> None:
    keys = [key for group in KEY_GROUPS for entry in group.keys for key in entry.keys]
    assert len(keys) == len(set(keys))
    sequences = {entry.shortcut for entry in NAV if entry.shortcut}
    assert sequences == {key for key in keys if key.startswith("g ")}


def test_vendored_files_are_listed_with_their_licence() -> None:
    vendor = ROOT / "static/vendor"
    listed = (vendor / "README.md").read_text()
    files = [path for path in vendor.rglob("*") if path.is_file() and path.name != "README.md"]
    served = [path for path in files if path.name != "LICENSE"]
    assert [path.name for path in served if f"{path.parent.name}/{path.name}" not in listed] == []
    assert [path.name for path in served if not (path.parent / "LICENSE").exists()] == []


def test_stylesheets_load_nothing_from_elsewhere() -> None:
    for sheet in (ROOT / "static/css").glob("*.css"):
        addresses = re.findall(r'url\("([^"]+)"\)', sheet.read_text())
        for address in addresses:
            assert (sheet.parent / address).resolve().is_file()
        assert "@import" not in sheet.read_text()
