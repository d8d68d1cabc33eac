"""Where the console keeps its things."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hitlconsole.local.console import LocalError

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Paths:
    """The project and one home, which holds all data of one console."""

    root: Path
    home: Path

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def lock(self) -> Path:
        return self.home / "run" / "lock"

    @property
    def state(self) -> Path:
        return self.home / "run" / "state.json"

    @property
    def stamps(self) -> Path:
        return self.home / "run"


def home_from(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HITL_HOME") or ROOT / "var").expanduser().resolve()


def prepare_home(home: Path) -> Paths:
    paths = Paths(root=ROOT, home=home)
    try:
        for folder in (home, paths.log, paths.secrets, paths.stamps):
            folder.mkdir(parents=True, exist_ok=True)
        paths.secrets.chmod(0o700)
    except OSError as error:
        raise LocalError(f"cannot keep data in {home}: {error}. Set HITL_HOME.") from error
    if not os.access(paths.stamps, os.W_OK):
        raise LocalError(f"cannot write to {home}. Set HITL_HOME to a folder of your own.")
    return paths


def secret(paths: Paths, name: str) -> str:
    """The secret of that name, made up at its first use and readable by its owner alone."""
    file = paths.secrets / name
    if not file.exists():
        write_private(file, secrets.token_urlsafe(36))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Replaces the file in one step; at no time could others read it."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    fresh.replace(file)
