"""The console's own processes over a test's database, to be killed, stopped and held up.

They run the commands that the console runs itself with (hitlconsole.local), and a Valkey of their
own. They end with the test, however it ends; what they said is in the failure's output.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit, urlunsplit

from hitlconsole.local.application import background_programs, healthy, web_programs
from hitlconsole.local.environment import Environment
from hitlconsole.local.logs import tail
from hitlconsole.local.paths import ROOT, Paths, prepare_home, secret
from hitlconsole.local.ports import SharedPort, free_port
from hitlconsole.local.process import kill_group, spawn
from hitlconsole.local.supervisor import Program
from hitlconsole.local.valkey import valkey_program, valkey_ready

LOCALHOST = "127.0.0.1"
# For starts and ends: generous, because the machine may be busy.
PATIENCE = 60.0
SHOWN_LINES = 60


def wait_until(done: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
    end = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < end, f"{what}: not within {timeout:.0f} s"
        time.sleep(0.05)


class Process:
    """One running program, with its log."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program, self.log = program, log
        self._process: Popen[bytes] = self._start()

    def _start(self) -> Popen[bytes]:
        program = self.program
        argv, fds = list(program.argv), []
        listener = program.listener() if program.listener else None
        if listener is not None:
            fds = [listener.fileno()]
            argv = [word.format(fd=fds[0]) for word in argv]
        try:
            with self.log.open("ab") as output:
                return spawn(
                    argv,
                    env=program.env,
                    cwd=program.cwd,
                    output=output,
                    pass_fds=fds,
                    death_signal=signal.SIGKILL,
                )
        finally:
            if listener is not None:
                listener.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout: float = PATIENCE) -> None:
        def ready_or_dead() -> bool:
            assert self.alive, f"{self.program.name} ended:\n{tail(self.log, SHOWN_LINES)}"
            return ready()

        wait_until(ready_or_dead, f"{self.program.name} is ready", timeout)

    def kill(self) -> None:
        """SIGKILL, to it and to whatever it started: nothing is finished or put in order."""
        kill_group(self.pid)
        self._process.wait(PATIENCE)

    def stop(self) -> None:
        """As a supervisor ends it."""
        self._process.send_signal(self.program.stop_signal)
        self._process.wait(PATIENCE)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def start_again(self) -> None:
        assert not self.alive
        self._process = self._start()

    def says(self, words: str) -> bool:
        return words in self.log.read_text(errors="replace")


@dataclass(frozen=True)
class Redis:
    process: Process
    port: int
    password: str

    def url(self, number: int) -> str:
        return f"redis://:{self.password}@{LOCALHOST}:{self.port}/{number}"

    def kill(self) -> None:
        self.process.kill()

    def start_empty(self) -> None:
        """At the same place, without anything of what it held: it keeps nothing on disk."""
        self.process.start_again()
        self.wait()

    def wait(self) -> None:
        self.process.wait_until(lambda: valkey_ready(self.port, self.password))


@dataclass(frozen=True)
class Web:
    process: Process
    url: str


class Console:
    """Starts processes; `close` ends all of them and prints what they said."""

    def __init__(self, paths: Paths, variables: Mapping[str, str]) -> None:
        self._paths = paths
        self._environment = Environment(ROOT, Path(sys.prefix))
        self._started: list[Process] = []
        self._ports: list[SharedPort] = []
        self.redis = self._start_redis()
        self.variables = dict(variables) | {
            "HITL_HOME": str(paths.home),
            "REDIS_URL": self.redis.url(0),
            "HITL_BROKER_URL": self.redis.url(1),
        }

    def web(self) -> Web:
        """One web process, serving."""
        port = SharedPort(LOCALHOST, 0)
        self._ports.append(port)
        url = f"http://{LOCALHOST}:{port.number}"
        variables = self.variables | {"HITL_BASE_URL": url}
        process = self._run(web_programs(self._environment, variables, port)[0])
        process.wait_until(lambda: healthy(LOCALHOST, port.number, url))
        return Web(process, url)

    def worker(self, queues: str = "due,deliveries") -> Process:
        """A worker that takes tasks of these queues."""
        worker, *_ = self._background()
        name = f"worker-{len(self._started)}"
        argv = [*worker.argv, "-n", f"{name}@%h"]
        argv[argv.index("-Q") + 1] = queues
        process = self._run(replace(worker, name=name, argv=argv))
        # The last that it says before it asks for work.
        process.wait_until(lambda: process.says("[queues]"))
        return process

    def beat(self) -> Process:
        """A scheduler with a schedule of its own, as on a machine of its own."""
        *_, beat = self._background()
        return self._run(beat)

    def _background(self) -> list[Program]:
        folder = self._paths.home / str(len(self._started))
        folder.mkdir()
        return background_programs(self._environment, self.variables, folder)

    def _start_redis(self) -> Redis:
        port = free_port()
        program = valkey_program(self._paths, self._environment.site_packages, port, durable=False)
        redis = Redis(self._run(program), port, secret(self._paths, "valkey"))
        redis.wait()
        return redis

    def _run(self, program: Program) -> Process:
        log = self._paths.log / f"{len(self._started)}-{program.name}.log"
        process = Process(program, log)
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self._started):
            process.kill()
        for port in self._ports:
            port.__exit__(None, None, None)
        for process in self._started:
            print(f"--- {process.log.name}\n{tail(process.log, SHOWN_LINES)}")


@contextmanager
def console(database: str, folder: Path, **variables: str) -> Iterator[Console]:
    """A console over that database (as conftest.committed_db gives it) without any process but
    Redis yet. It has the application's role alone.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("DATABASE_OWNER")
    }
    ours = {
        "DJANGO_SETTINGS_MODULE": "hitlconsole.settings",
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": for_database(os.environ["DATABASE_URL"], database),
    }
    running = Console(prepare_home(folder), inherited | ours | variables)
    try:
        yield running
    finally:
        running.close()


def for_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
