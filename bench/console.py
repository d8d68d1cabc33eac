"""A console of the benchmark's own: started, filled with agents, paused where it would disturb."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import urlsplit

from bench.figures import progress
from bench.pgbench import PgbenchError
from hitlconsole.local.console import LocalError
from hitlconsole.local.paths import ROOT
from hitlconsole.local.stack import Stack
from hitlconsole.local.throwaway import PREFIX, remove_home

# As an installation has it: a commit is on the disk before it is answered.
DURABLE = {"HITL_LOCAL_DURABLE": "1"}
# They send what submissions put into the outbox, at a pace of their own; neither side of a
# comparison should pay for the other side's backlog.
PAUSED = ("beat", "worker", "messenger")


@dataclass(frozen=True)
class AgentKey:
    id: str
    key: str


@dataclass(frozen=True)
class Console:
    stack: Stack
    agents: Sequence[AgentKey]
    reviewer: str

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.stack.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    @property
    def database_url(self) -> str:
        return self.stack.env["DATABASE_URL"]


@contextmanager
def own_console(*, agents: int) -> Iterator[Console]:
    """However it ends, nothing of it is left."""
    # A name by which a later run finds and removes what a killed one left.
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    progress("starting a console")
    try:
        with Stack(home, environ=DURABLE) as stack, _paused(stack):
            seeded = _seed(stack, agents)
            yield Console(stack, [AgentKey(**one) for one in seeded["agents"]], seeded["reviewer"])
    finally:
        remove_home(home.resolve())  # also of one that did not start


def run_benchmark(benchmark: Callable[[], None]) -> None:
    """Ctrl-C and SIGTERM end it in order; what somebody has to do something about is said."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stopped)
    try:
        benchmark()
    except KeyboardInterrupt:
        progress("stopped")
        sys.exit(130)
    except (LocalError, PgbenchError) as error:
        sys.exit(f"error: {error}")


def _stopped(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def inside_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bench.inside", *arguments]


def _seed(stack: Stack, agents: int) -> dict:
    seeded: dict = ask_inside(stack, "seed", str(agents))
    return seeded


def ask_inside(stack: Stack, *arguments: str) -> Any:
    """What that command of bench.inside prints. Raises LocalError."""
    done = subprocess.run(
        inside_command(*arguments),
        env=stack.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LocalError(f"{arguments[0]} failed inside the console:\n{done.stderr}")
    return json.loads(done.stdout)


@contextmanager
def _paused(stack: Stack) -> Iterator[None]:
    for name in PAUSED:
        stack.kill(name, signal.SIGSTOP)
    try:
        yield
    finally:
        for name in PAUSED:
            stack.kill(name, signal.SIGCONT)
