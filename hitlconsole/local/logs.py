"""The processes' logs: one file each, one older generation, bounded in size."""

import shutil
from pathlib import Path

LARGEST = 10 * 1024 * 1024


def rotate_logs(folder: Path, largest: int = LARGEST) -> None:
    """Copies and truncates, because the writers keep their files open (appending)."""
    for file in folder.glob("*.log"):
        if file.stat().st_size > largest:
            shutil.copyfile(file, file.with_name(file.name + ".1"))
            with file.open("r+b") as stream:
                stream.truncate(0)


def tail(file: Path, lines: int = 25) -> str:
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 16_384))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])
