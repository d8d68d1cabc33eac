"""One command in the foreground of the terminal, while the services below it are looked after."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hitlconsole.local.console import say
from hitlconsole.local.process import spawn
from hitlconsole.local.supervisor import Supervisor

PATIENCE = 10.0


def run_in_foreground(
    supervisor: Supervisor,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> int:
    """Its exit code (128 + n when signal n ended it).

    Ctrl-C is the command's own affair. Asked to stop in another way, we ask the command with
    `stop_signal`, and kill it when it takes longer than ten seconds.
    """
    process = spawn(argv, env=env, cwd=folder, output=None)
    deadline: float | None = None
    while process.poll() is None:
        if requested := supervisor.signals.take():
            if _pass_on(process, requested, stop_signal):
                deadline = time.monotonic() + PATIENCE
        elif deadline and time.monotonic() > deadline:
            say("the command did not stop in time: killed")
            process.kill()
        supervisor.signals.wait(0.5)
        supervisor.tick()
    code = process.returncode
    return code if code >= 0 else 128 - code


def _pass_on(
    process: subprocess.Popen[bytes], requested: signal.Signals, stop_signal: signal.Signals
) -> bool:
    """Whether the command was asked to end. On a terminal it has got the Ctrl-C itself."""
    if requested is not signal.SIGINT:
        process.send_signal(stop_signal)
        return True
    if not sys.stdin.isatty():
        process.send_signal(signal.SIGINT)
    return False
