"""A whole console with processes of its own, for tests that need real ones."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from hitlconsole.local.application import application_variables
from hitlconsole.local.console import LocalError
from hitlconsole.local.logs import tail
from hitlconsole.local.paths import ROOT, Paths, prepare_home
from hitlconsole.local.process import spawn
from hitlconsole.local.services import Ports
from hitlconsole.local.state import State, read_state
from hitlconsole.local.throwaway import remove_home

# What would point the stack at the servers of the tests that start it.
FOREIGN = ("HITL_", "DATABASE_", "REDIS_", "DJANGO_", "PYTEST_", "PYTHON", "COV_")
STOPS_WITHIN = 15.0


class Stack:
    """`./run` in a home of its own, on a free port. Used as a context it is removed at the end."""

    def __init__(
        self, home: Path, *, demo: bool = False, environ: Mapping[str, str] | None = None
    ) -> None:
        """environ: further variables, such as PORT."""
        self.paths: Paths = prepare_home(home.resolve())
        self._command = ["demo"] if demo else []
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)},
            "HITL_HOME": str(self.paths.home),
            "HITL_LOCAL_DURABLE": "0",
            "PORT": "0",
            "PYTHON": sys.executable,
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        remove_home(self.paths.home)

    @property
    def output(self) -> Path:
        """What ./run says on both of its streams."""
        return self.paths.log / "run.log"

    @property
    def state(self) -> State:
        state = read_state(self.paths.state)
        if state is None or not state.alive:
            raise LocalError(f"the stack in {self.paths.home} does not run")
        return state

    @property
    def url(self) -> str:
        url = self.state.url
        if url is None:
            raise LocalError("the stack is not up yet")
        return url

    @property
    def env(self) -> dict[str, str]:
        """The variables of its processes: DATABASE_URL and all."""
        state = self.state
        ports = Ports(postgres=state.postgres_port, valkey=state.valkey_port)
        return application_variables(self._environ, self.paths, ports, state.url)

    def start(self, *, within: float = 180.0) -> Self:
        """Returns when the web processes answer. May follow an end, also a violent one."""
        self.stop()
        with self.output.open("ab") as output:
            self._process = spawn(
                [str(ROOT / "run"), *self._command],
                env=self._environ,
                cwd=ROOT,
                output=output,
            )
        deadline = time.monotonic() + within
        while not self._is_up(self._process):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise LocalError(f"the stack does not start:\n{tail(self.output)}")
            time.sleep(0.05)
        return self

    def _is_up(self, process: subprocess.Popen[bytes]) -> bool:
        state = read_state(self.paths.state)
        return state is not None and state.pid == process.pid and state.phase == "up"

    def pids(self, name: str) -> list[int]:
        """Of the living processes of that name; `web` stands for web-1 and web-2."""
        return [
            process.pid
            for process in self.state.processes
            if process.name.rsplit("-", 1)[0] == name or process.name == name
            if process.identity.alive()
        ]

    def kill(self, name: str, signum: signal.Signals = signal.SIGKILL) -> list[int]:
        """Sends the signal to each of them and says to whom. Does not wait."""
        pids = self.pids(name)
        for pid in pids:
            os.kill(pid, signum)
        return pids

    def manage(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """`./run manage ARGS...` in this home."""
        return subprocess.run(
            [str(ROOT / "run"), "manage", *arguments],
            env=self._environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def stop(self) -> int | None:
        """SIGTERM, as Ctrl-C would; returns the exit code."""
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise LocalError("the stack did not stop in time") from None
