"""`./test [pytest arguments]` and `./test --exec COMMAND...`: in an environment of its own."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence

from hitlconsole.local.application import application_variables
from hitlconsole.local.console import Stopped, say
from hitlconsole.local.environment import DEVELOPMENT, Environment, ensure_environment
from hitlconsole.local.foreground import run_in_foreground
from hitlconsole.local.home import hold_home
from hitlconsole.local.paths import Paths, home_from, prepare_home
from hitlconsole.local.services import start_services
from hitlconsole.local.signals import StopSignals
from hitlconsole.local.supervisor import Supervisor
from hitlconsole.local.throwaway import throwaway_home


def test(environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """pytest's exit code, or the command's."""
    signals = StopSignals()
    signals.install()
    try:
        environment = ensure_environment(prepare_home(home_from(environ)), DEVELOPMENT, signals)
        with throwaway_home() as paths, hold_home(paths, signals):
            return _run(paths, environment, environ, arguments, signals)
    except Stopped as stopped:
        say(f"stopped ({stopped})")
        return 130


def _run(
    paths: Paths,
    environment: Environment,
    environ: Mapping[str, str],
    arguments: Sequence[str],
    signals: StopSignals,
) -> int:
    with Supervisor(paths, signals, "test") as supervisor:
        # A test's data is worth nothing after a power cut.
        ports = start_services(supervisor, environment, {**environ, "HITL_LOCAL_DURABLE": "0"})
        supervisor.note(phase="up")
        variables = {
            **application_variables(environ, paths, ports, None),
            "HITL_TEST": "1",
            "PATH": f"{environment.folder / 'bin'}:{os.environ.get('PATH', os.defpath)}",
        }
        command = _command(environment, arguments)
        # As SIGINT pytest takes its fixtures down; SIGTERM would end it on the spot.
        return run_in_foreground(
            supervisor, command, env=variables, folder=environment.root, stop_signal=signal.SIGINT
        )


def _command(environment: Environment, arguments: Sequence[str]) -> list[str]:
    if arguments and arguments[0] == "--exec":
        return list(arguments[1:]) or [sys.executable, "--version"]
    return [str(environment.python), "-m", "pytest", *arguments]
