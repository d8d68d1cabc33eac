"""Restarts, leftovers and ends, with real processes but without the console's own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hitlconsole.local.backoff import Backoff
from hitlconsole.local.console import LocalError, Stopped
from hitlconsole.local.home import hold_home
from hitlconsole.local.paths import ROOT, Paths, prepare_home
from hitlconsole.local.process import birth_of, identify
from hitlconsole.local.signals import StopSignals
from hitlconsole.local.state import ProcessState, State, read_state, write_state
from hitlconsole.local.supervisor import Program, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
    "time.sleep(60)",
]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return prepare_home(tmp_path / "home")


@pytest.fixture
def supervisor(paths: Paths) -> Iterator[Supervisor]:
    with Supervisor(paths, StopSignals(), "run") as supervisor:
        yield supervisor


def _program(name: str, argv: list[str]) -> Program:
    return Program(name, argv, {"PATH": os.defpath}, Path("/"))


def _states(paths: Paths) -> list[tuple[str, str, int]]:
    state = read_state(paths.state)
    assert state is not None
    return [(process.name, process.status, process.restarts) for process in state.processes]


def _pid(paths: Paths, name: str) -> int:
    state = read_state(paths.state)
    assert state is not None
    return next(process.pid for process in state.processes if process.name == name)


def _soon(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_pauses_grow_to_half_a_minute_and_start_over_after_a_minute_alive() -> None:
    backoff = Backoff()
    assert [backoff.pause(lived=0.1) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert backoff.pause(lived=59.9) == 30
    assert [backoff.pause(lived=60), backoff.pause(lived=0)] == [1, 2]


def test_a_killed_process_is_started_again_and_the_state_tells(
    paths: Paths, supervisor: Supervisor
) -> None:
    supervisor.start(_program("one", SLEEP))
    supervisor.start(_program("two", SLEEP))
    killed, other = _pid(paths, "one"), _pid(paths, "two")
    os.kill(killed, signal.SIGKILL)
    assert supervisor.wait_until(
        lambda: _states(paths) == [("one", "restarting", 0), ("two", "running", 0)], seconds=5
    )
    assert supervisor.wait_until(
        lambda: _states(paths) == [("one", "running", 1), ("two", "running", 0)], seconds=5
    )
    assert _pid(paths, "one") != killed
    assert _pid(paths, "two") == other
    assert identify(killed) is None


def test_the_end_takes_everybody_even_the_deaf_and_their_children(paths: Paths) -> None:
    parent = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with Supervisor(paths, StopSignals(), "run") as supervisor:
        supervisor.start(_program("deaf", STUBBORN))
        supervisor.start(_program("parent", [sys.executable, "-c", parent]))
        logs = [paths.log / "deaf.log", paths.log / "parent.log"]
        assert _soon(lambda: all(log.read_text() for log in logs))
        pids = [_pid(paths, "deaf"), _pid(paths, "parent"), int(logs[1].read_text())]
        assert [birth_of(pid) is not None for pid in pids] == [True, True, True]
        started = time.monotonic()
    assert time.monotonic() - started < 10
    assert _soon(lambda: [identify(pid) for pid in pids] == [None, None, None])
    assert not paths.state.exists()


def test_a_step_that_fails_tells_what_it_said(supervisor: Supervisor) -> None:
    command = [sys.executable, "-c", "import sys; print('the reason'); sys.exit(4)"]
    with pytest.raises(LocalError) as caught:
        supervisor.step(command, env={}, what="doing it")
    assert str(caught.value) == "doing it failed with exit code 4:\nthe reason"


def test_a_request_to_stop_ends_a_step(paths: Paths, supervisor: Supervisor) -> None:
    supervisor.signals.requested = signal.SIGTERM
    started = time.monotonic()
    with pytest.raises(Stopped, match="SIGTERM"):
        supervisor.step(SLEEP, env={}, what="sleeping")
    assert time.monotonic() - started < 5


def test_what_a_killed_supervisor_left_is_ended_and_a_stranger_with_its_pid_is_not(
    paths: Paths,
) -> None:
    ours, stranger = (subprocess.Popen(SLEEP, start_new_session=True) for _ in range(2))
    try:
        gone = State(pid=ours.pid, birth="somebody else", mode="run")
        processes = (_left(ours.pid, birth_of(ours.pid) or ""), _left(stranger.pid, "earlier"))
        write_state(paths.state, State(**{**vars(gone), "processes": processes}))
        with hold_home(paths, StopSignals()):
            assert ours.wait(5) == -signal.SIGTERM
            assert stranger.poll() is None
            assert not paths.state.exists()
    finally:
        for process in (ours, stranger):
            process.kill()
            process.wait()


def _left(pid: int, birth: str) -> ProcessState:
    return ProcessState(
        name="left",
        pid=pid,
        birth=birth,
        started_at=0,
        status="running",
        restarts=0,
        stop_signal="SIGTERM",
    )


def test_a_second_start_in_the_same_home_says_where_the_first_is(
    paths: Paths, supervisor: Supervisor
) -> None:
    with hold_home(paths, StopSignals()):
        Supervisor(paths, StopSignals(), "run").note(phase="up", url="http://127.0.0.1:1234")
        with pytest.raises(LocalError) as caught, hold_home(paths, StopSignals()):
            pass
    assert str(caught.value) == (
        f"already running at http://127.0.0.1:1234 (process {os.getpid()}); ./run stop ends it"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help exists on Linux alone")
def test_children_end_with_a_supervisor_that_was_killed(paths: Paths) -> None:
    script = (
        "import sys, time; from pathlib import Path;"
        "from hitlconsole.local.paths import prepare_home;"
        "from hitlconsole.local.signals import StopSignals;"
        "from hitlconsole.local.supervisor import Program, Supervisor;"
        "s = Supervisor(prepare_home(Path(sys.argv[1])), StopSignals(), 'run');"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)'];"
        "s.start(Program('one', sleep, {}, Path('/')));"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(paths.home)], cwd=ROOT)
    assert _soon(lambda: bool(paths.state.exists() and _states(paths)))
    child = identify(_pid(paths, "one"))
    assert child is not None
    process.kill()
    process.wait()
    assert _soon(lambda: not child.alive())
