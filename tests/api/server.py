"""A web process of its own, on a free port, over the test's database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    url: str
    port: int
    process: subprocess.Popen[bytes]

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def stop(self) -> float:
        """Ends it as a supervisor would; the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        return time.monotonic() - began


def _for_database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


@contextmanager
def serve(database: str, **environment: str) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment.setdefault("DATABASE_URL", _for_database(os.environ["DATABASE_URL"], database))
    command = [sys.executable, "-m", "uvicorn", "hitlconsole.asgi:application"]
    options = ["--port", str(port), "--lifespan", "on", "--timeout-graceful-shutdown", "3"]
    process = subprocess.Popen(
        [*command, *options, "--no-access-log", "--log-level", "warning"],
        cwd=ROOT,
        env=os.environ | environment,
    )
    server = Server(f"http://127.0.0.1:{port}", port, process)
    try:
        _wait_until_up(server)
        yield server
    finally:
        if process.poll() is None:
            server.stop()


def _wait_until_up(server: Server) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{server.url}/healthz").text == "ok":
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the web process did not start")
