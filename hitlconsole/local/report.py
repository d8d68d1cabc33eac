"""`./run status` and `./run stop`: about a console from outside."""

import signal
import time

from hitlconsole.local.console import LocalError, say
from hitlconsole.local.home import end_leftovers
from hitlconsole.local.paths import Paths
from hitlconsole.local.process import kill_group, send
from hitlconsole.local.state import ProcessState, State, read_state, try_lock

NOT_RUNNING = 3
STOPS_WITHIN = 20.0


def status(paths: Paths) -> int:
    """0 when it runs, 3 when not."""
    state = read_state(paths.state)
    if state is None or not state.alive:
        left = [p for p in state.processes if p.identity.alive()] if state else []
        print("not running" + "".join(f"\nleft behind: {p.name} ({p.pid})" for p in left))
        return NOT_RUNNING
    print(describe(state, time.time()))
    return 0


def describe(state: State, now: float) -> str:
    where = f" at {state.url}" if state.url else ""
    head = f"{state.mode}: {state.phase}{where}"
    supervisor = ("supervisor", state.pid, uptime(now - state.started_at), state.phase)
    rows = [supervisor, *(_row(process, now) for process in state.processes)]
    lines = [f"{name:<11} {pid:>8}  {up:>12}  {text}" for name, pid, up, text in rows]
    return "\n".join([head, *lines])


def _row(process: ProcessState, now: float) -> tuple[str, int, str, str]:
    text = process.status if process.identity.alive() else "restarting"
    if process.restarts:
        text += f", restarted {process.restarts} x"
    return (process.name, process.pid, uptime(now - process.started_at), text)


def uptime(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def stop(paths: Paths) -> int:
    """Returns when nothing of this home runs any more."""
    state = read_state(paths.state)
    if state and state.alive:
        say(f"stopping (process {state.pid})")
        send(state.supervisor, signal.SIGTERM)
        _await_end(state)
    lock = try_lock(paths.lock)
    if lock is None:
        raise LocalError("another command uses this home just now")
    with lock:
        end_leftovers(paths)
    say("nothing runs any more" if state else "was not running")
    return 0


def _await_end(state: State) -> None:
    deadline = time.monotonic() + STOPS_WITHIN
    while state.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    if state.alive:
        say("the supervisor did not stop in time: killed")
        kill_group(state.pid)
        time.sleep(0.2)
