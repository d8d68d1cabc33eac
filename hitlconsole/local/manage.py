"""`./run manage ARGS...`: Django's commands in the environment of this home, services up."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from hitlconsole.local.application import (
    application_variables,
    django_command,
    migrate_command,
    owner_option,
)
from hitlconsole.local.console import LocalError, Stopped, say
from hitlconsole.local.environment import RUNTIME, Environment, ensure_environment
from hitlconsole.local.foreground import run_in_foreground
from hitlconsole.local.home import hold_home
from hitlconsole.local.paths import Paths
from hitlconsole.local.services import Ports, start_services
from hitlconsole.local.signals import StopSignals
from hitlconsole.local.state import State, read_state
from hitlconsole.local.supervisor import Supervisor

WITHOUT_DATABASE = ("evaluate_levels", "help", "version", "--help", "-h", "--version")
# These are about migrations themselves: applying them first would answer before the question.
ABOUT_MIGRATIONS = ("migrate", "showmigrations", "makemigrations", "sqlmigrate")
STARTING_WITHIN = 180.0


def manage(paths: Paths, environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """The command's exit code. It has our standard streams; what we say goes to stderr."""
    signals = StopSignals()
    signals.install()
    try:
        if not arguments or arguments[0] in WITHOUT_DATABASE:
            environment = ensure_environment(paths, RUNTIME, signals)
            _become(environment, application_variables(environ, paths, Ports(), None), arguments)
        if state := _running(paths, signals):
            _join(paths, environ, state, arguments, signals)
        return _with_own_services(paths, environ, arguments, signals)
    except Stopped as stopped:
        say(f"stopped ({stopped})")
        return 130


def _running(paths: Paths, signals: StopSignals) -> State | None:
    """The state of a `./run` in this home, once it is up."""
    deadline = time.monotonic() + STARTING_WITHIN
    told = False
    while (state := read_state(paths.state)) and state.alive and state.mode in ("run", "demo"):
        if state.phase == "up":
            return state
        if time.monotonic() > deadline:
            raise LocalError("the console in this home has been starting for too long")
        if not told:
            say("waiting for the console in this home to be up")
            told = True
        signals.check()
        signals.wait(0.2)
    return None


def _join(
    paths: Paths,
    environ: Mapping[str, str],
    state: State,
    arguments: Sequence[str],
    signals: StopSignals,
) -> NoReturn:
    environment = ensure_environment(paths, RUNTIME, signals)
    ports = Ports(postgres=state.postgres_port, valkey=state.valkey_port)
    _become(environment, application_variables(environ, paths, ports, state.url), arguments)


def _become(
    environment: Environment, variables: Mapping[str, str], arguments: Sequence[str]
) -> NoReturn:
    """The command takes our place: its exit code, its signals, its streams, its folder."""
    command = _command(environment, variables, arguments)
    os.execve(command[0], command, dict(variables))  # noqa: S606


def _with_own_services(
    paths: Paths, environ: Mapping[str, str], arguments: Sequence[str], signals: StopSignals
) -> int:
    with hold_home(paths, signals), Supervisor(paths, signals, "manage") as supervisor:
        environment = ensure_environment(paths, RUNTIME, signals)
        ports = start_services(supervisor, environment, environ)
        variables = application_variables(environ, paths, ports, None)
        if arguments[0] not in ABOUT_MIGRATIONS:
            migrate = migrate_command(environment, variables)
            supervisor.step(migrate, env=variables, what="migrating the database")
        command = _command(environment, variables, arguments)
        return run_in_foreground(supervisor, command, env=variables, folder=Path.cwd())


def _command(
    environment: Environment, variables: Mapping[str, str], arguments: Sequence[str]
) -> list[str]:
    extra: list[str] = []
    if arguments and arguments[0] == "migrate" and "--database" not in arguments:
        extra = owner_option(variables)
    return django_command(environment, *arguments, *extra)
