"""One console a home: holding it, and clearing away what a killed one left behind."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from hitlconsole.local.console import LocalError, say
from hitlconsole.local.paths import Paths
from hitlconsole.local.process import end_all
from hitlconsole.local.signals import StopSignals
from hitlconsole.local.state import State, read_state, try_lock

LEFTOVERS_WITHIN = 8.0


@contextmanager
def hold_home(paths: Paths, signals: StopSignals) -> Iterator[None]:
    """Alone in this home; leftovers of an earlier supervisor that was killed are ended first."""
    with _acquire(paths, signals):
        end_leftovers(paths)
        yield


def _acquire(paths: Paths, signals: StopSignals) -> IO[str]:
    told = False
    while (lock := try_lock(paths.lock)) is None:
        state = read_state(paths.state)
        if state and state.mode in ("run", "demo"):
            raise LocalError(describe_running(state))
        if not told:
            say("waiting for another command that uses this home")
            told = True
        signals.check()
        signals.wait(0.2)
    return lock


def describe_running(state: State) -> str:
    where = f"at {state.url}" if state.url else "and still starting"
    return f"already running {where} (process {state.pid}); ./run stop ends it"


def end_leftovers(paths: Paths) -> None:
    """Only with the lock: what the state file names and still lives belongs to a dead one."""
    state = read_state(paths.state)
    if state is None:
        return
    alive = [process for process in state.processes if process.identity.alive()]
    if alive:
        names = ", ".join(process.name for process in alive)
        say(f"ending what an earlier start left behind: {names}")
    end_all(
        ((process.identity, signal.Signals[process.stop_signal]) for process in alive),
        LEFTOVERS_WITHIN,
    )
    paths.state.unlink()
