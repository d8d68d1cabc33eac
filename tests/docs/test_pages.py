"""Links lead somewhere, images are there and small, and nothing tells where this was written."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, anchors, document_id, documents, images, links

LARGEST_IMAGE = 300_000
# Folders of the machine at hand, and hosts of package indexes.
_MACHINE = re.compile(r"/(?:work|tmp|home|root|Users)/|\b[\w.-]*(?:pypi|pythonhosted)[\w.-]*\b")
_EXTERNAL = re.compile(r"https?://")
EVERY = pytest.mark.parametrize("path", documents(), ids=document_id)


@EVERY
def test_links_resolve(path: Path) -> None:
    broken = [link for link in links(path) if not _resolves(path, link)]
    assert broken == []


def _resolves(path: Path, link: str) -> bool:
    if _EXTERNAL.match(link):
        return True
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists() or ROOT not in target.parents:
        return False
    return not anchor or anchor in anchors(target)


@EVERY
def test_images_are_there_and_small(path: Path) -> None:
    sizes = [(name, (path.parent / name).stat().st_size) for name in images(path)]
    assert [name for name, size in sizes if size > LARGEST_IMAGE] == []


@EVERY
def test_no_document_tells_where_it_was_written(path: Path) -> None:
    assert _MACHINE.findall(path.read_text()) == []


def test_every_document_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    others = {path for path in documents() if "docs" in path.relative_to(ROOT).parts}
    assert others - linked == {index}
