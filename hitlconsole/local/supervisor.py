"""Starts processes, starts them again when they die, and ends them in order."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from hitlconsole.local.backoff import Backoff
from hitlconsole.local.console import LocalError, say
from hitlconsole.local.logs import rotate_logs, tail
from hitlconsole.local.paths import Paths
from hitlconsole.local.process import Account, birth_of, kill_group, spawn
from hitlconsole.local.signals import StopSignals
from hitlconsole.local.state import ProcessState, State, write_state

# Applications first, then what they lean on; seconds until the rest is killed: 9.5 in all.
STAGES = (("application", 5.0), ("broker", 1.0), ("database", 3.5))
LOOK_AGAIN_AFTER = 0.5
ROTATE_EVERY = 60.0


@dataclass(frozen=True)
class Program:
    """How to run one process. It keeps running: its end, with any exit code, is a death."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stage: str = "application"
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    # A new one for each start; {fd} in argv stands for it.
    listener: Callable[[], socket.socket] | None = None


@dataclass
class Running:
    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    backoff: Backoff = field(default_factory=Backoff)
    restarts: int = 0
    start_again_at: float | None = None


class Supervisor:
    """Used as a context: leaving it ends everything, however it is left.

    Single-threaded: somebody must call tick() or one of the methods that do while waiting.
    """

    def __init__(self, paths: Paths, signals: StopSignals, mode: str) -> None:
        self.paths = paths
        self.signals = signals
        self._running: dict[str, Running] = {}
        self._rotated_at = time.monotonic()
        self._state = State(
            pid=os.getpid(), birth=birth_of(os.getpid()) or "", mode=mode, started_at=time.time()
        )
        self._save()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def note(
        self,
        *,
        phase: str | None = None,
        url: str | None = None,
        postgres_port: int | None = None,
        valkey_port: int | None = None,
    ) -> None:
        """Writes down what others may want to know about us; None leaves a thing as it was."""
        self._state = replace(
            self._state,
            phase=phase or self._state.phase,
            url=url or self._state.url,
            postgres_port=postgres_port or self._state.postgres_port,
            valkey_port=valkey_port or self._state.valkey_port,
        )
        self._save()

    def start(self, program: Program) -> None:
        self._running[program.name] = Running(program, self._spawn(program), time.monotonic())
        self._save()

    def forget(self, name: str) -> None:
        """Ends one process and does not start it again."""
        running = self._running.pop(name)
        kill_group(running.process.pid)
        running.process.wait()
        self._save()

    def died(self, name: str) -> bool:
        """Whether the process is dead and not started again yet."""
        return self._running[name].process.poll() is not None

    def tick(self) -> None:
        """Looks after everybody once."""
        now = time.monotonic()
        for running in self._running.values():
            if running.start_again_at is None:
                self._notice_death(running, now)
            elif now >= running.start_again_at:
                self._start_again(running, now)
        if now - self._rotated_at > ROTATE_EVERY:
            self._rotated_at = now
            rotate_logs(self.paths.log)

    def wait_until(self, done: Callable[[], bool], *, seconds: float | None = None) -> bool:
        """Looks after everybody until `done` or the time is up; says whether it was done.

        Raises Stopped when a signal asks for the end.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        pause = 0.01
        while not done():
            self.signals.check()
            if deadline is not None and time.monotonic() >= deadline:
                return False
            self.signals.wait(pause)
            pause = min(pause * 1.5, LOOK_AGAIN_AFTER if deadline is None else 0.1)
            self.tick()
        return True

    def step(self, argv: Sequence[str], *, env: Mapping[str, str], what: str) -> None:
        """Runs one command to its end; what it says goes to the log `steps`.

        Raises LocalError with the end of that log when the command fails.
        """
        log = self.paths.log / "steps.log"
        with log.open("ab") as output:
            code = self.run(argv, env=env, output=output)
        if code != 0:
            raise LocalError(f"{what} failed with exit code {code}:\n{tail(log)}")

    def run(self, argv: Sequence[str], *, env: Mapping[str, str], output: int | IO[bytes]) -> int:
        """Runs one command to its end and returns its exit code; a request to stop ends it."""
        process = spawn(argv, env=env, cwd=self.paths.root, output=output)
        try:
            self.wait_until(lambda: process.poll() is not None)
        finally:
            kill_group(process.pid)
            process.wait()
        return process.returncode

    def close(self) -> None:
        """Ends everything, stage by stage, within ten seconds."""
        self._state = replace(self._state, phase="stopping")
        self._save()
        for stage, seconds in STAGES:
            self._end_stage(
                [r for r in self._running.values() if r.program.stage == stage], seconds
            )
        self._running.clear()
        self.paths.state.unlink(missing_ok=True)

    def _end_stage(self, stage: list[Running], seconds: float) -> None:
        alive = [running for running in stage if running.process.poll() is None]
        for running in alive:
            running.process.send_signal(running.program.stop_signal)
        deadline = time.monotonic() + seconds
        for running in alive:
            try:
                running.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                say(f"{running.program.name} did not stop in time: killed")
        for running in stage:
            kill_group(running.process.pid)
            running.process.wait()

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with ExitStack() as stack:
            log = (self.paths.log / f"{program.name}.log").open("ab")
            output = stack.enter_context(log)
            argv, fds = program.argv, []
            if program.listener:
                # Only the process keeps it: with the process its queue of connections ends.
                fds = [stack.enter_context(program.listener()).fileno()]
                argv = [word.format(fd=fds[0]) for word in argv]
            return spawn(
                argv,
                env=program.env,
                cwd=program.cwd,
                output=output,
                account=program.account,
                pass_fds=fds,
                death_signal=program.stop_signal,
            )

    def _notice_death(self, running: Running, now: float) -> None:
        code = running.process.poll()
        if code is None:
            return
        # What it had started must not outlive it.
        kill_group(running.process.pid)
        pause = running.backoff.pause(now - running.started_at)
        running.start_again_at = now + pause
        say(f"{running.program.name} {_ending(code)}; starting again in {pause:.0f} s")
        self._save()

    def _start_again(self, running: Running, now: float) -> None:
        running.process = self._spawn(running.program)
        running.started_at, running.start_again_at = now, None
        running.restarts += 1
        say(f"{running.program.name} started again (process {running.process.pid})")
        self._save()

    def _save(self) -> None:
        processes = tuple(_describe(running) for running in self._running.values())
        write_state(self.paths.state, replace(self._state, processes=processes))


def _describe(running: Running) -> ProcessState:
    pid = running.process.pid
    return ProcessState(
        name=running.program.name,
        pid=pid,
        birth=birth_of(pid) or "",
        started_at=time.time() - (time.monotonic() - running.started_at),
        status="restarting" if running.start_again_at is not None else "running",
        restarts=running.restarts,
        stop_signal=running.program.stop_signal.name,
    )


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
