"""Homes for tests: made in the temporary folder, and gone afterwards, database and all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hitlconsole.local.home import end_leftovers
from hitlconsole.local.paths import Paths, prepare_home
from hitlconsole.local.postgres import base_folder
from hitlconsole.local.state import try_lock

PREFIX = "hitl-test-"


@contextmanager
def throwaway_home() -> Iterator[Paths]:
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        yield prepare_home(home)
    finally:
        remove_home(home)


def remove_home(home: Path) -> None:
    for folder in (base_folder(home), home):
        if folder.exists():
            shutil.rmtree(folder)


def _sweep() -> None:
    """Homes of earlier tests whose process was killed: nobody holds their lock."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        paths = Paths(root=home, home=home.resolve())
        # Whose it is comes first: into another user's home we cannot even look.
        if home.stat().st_uid != os.geteuid() or not paths.state.exists():
            continue
        if lock := try_lock(paths.lock):
            with lock:
                end_leftovers(paths)
                remove_home(paths.home)
