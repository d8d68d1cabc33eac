"""Static files are collected again only when one of them has changed."""

import hashlib
from pathlib import Path

SOURCES = ("static", "audit/static", "autonomy/static", "approvals/static", "hitlconsole/*/static")
ALSO = ("requirements.txt", "hitlconsole/settings.py")


def static_fingerprint(root: Path) -> str:
    """Of names, sizes and times of the sources, and of what decides about the packages' ones."""
    folders = sorted({folder for pattern in SOURCES for folder in root.glob(pattern)})
    files = [root / name for name in ALSO]
    files += [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    digest = hashlib.sha256()
    for file in files:
        facts = file.stat()
        name = file.relative_to(root)
        digest.update(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
