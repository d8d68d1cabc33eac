"""What runs in a home: a lock that keeps two apart, and a file that says what there is."""

import fcntl
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from hitlconsole.local.paths import write_private
from hitlconsole.local.process import Identity


@dataclass(frozen=True)
class ProcessState:
    """One supervised process as last seen by its supervisor."""

    name: str
    pid: int
    birth: str
    started_at: float
    status: str
    restarts: int
    stop_signal: str

    @property
    def identity(self) -> Identity:
        return Identity(self.pid, self.birth)


@dataclass(frozen=True)
class State:
    """mode: run, demo, manage or test. phase: starting, up or stopping."""

    pid: int
    birth: str
    mode: str
    phase: str = "starting"
    url: str | None = None
    postgres_port: int | None = None
    valkey_port: int | None = None
    started_at: float = 0.0
    processes: tuple[ProcessState, ...] = field(default=())

    @property
    def supervisor(self) -> Identity:
        return Identity(self.pid, self.birth)

    @property
    def alive(self) -> bool:
        return self.supervisor.alive()


def read_state(file: Path) -> State | None:
    try:
        stored: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    processes = tuple(ProcessState(**process) for process in stored.pop("processes"))
    return State(**stored, processes=processes)


def write_state(file: Path, state: State) -> None:
    write_private(file, json.dumps(asdict(state), indent=1))


def try_lock(file: Path) -> IO[str] | None:
    """The home's lock, held until the returned file is closed; None when somebody has it."""
    stream = file.open("a")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream
