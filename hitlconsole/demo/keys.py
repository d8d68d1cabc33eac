"""The keys of the demonstration's agents, in a file that only its owner can read."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """Secrets by agent, and that of the desk which decides for people."""

    agents: dict[str, str] = field(default_factory=dict)
    desk: str = ""


def keys_file() -> Path:
    return Path(settings.HOME) / "demo-keys.json"


def read_keys() -> DemoKeys:
    """Empty where there is no file yet."""
    try:
        stored = json.loads(keys_file().read_text())
    except FileNotFoundError:
        return DemoKeys()
    return DemoKeys(**stored)


def write_keys(keys: DemoKeys) -> None:
    """All at once: a crash leaves the old file or the new one."""
    file = keys_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(asdict(keys), stream, indent=1)
    fresh.replace(file)
