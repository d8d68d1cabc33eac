"""The command lines of ./run and ./test."""

import os
import sys
from collections.abc import Sequence

from hitlconsole.local.console import LocalError
from hitlconsole.local.manage import manage
from hitlconsole.local.paths import home_from, prepare_home
from hitlconsole.local.report import status, stop
from hitlconsole.local.run import run
from hitlconsole.local.testing import test

HELP = """\
./run                   start the console; Ctrl-C stops it
./run demo              the same with teams, people, action types and simulated agents
./run status            what runs, and where; exit code 3 when nothing does
./run stop              stop the console of this home
./run manage ARGS...    a command of manage.py in the same environment
./run help              this text

Settings from the environment (all are listed in docs/reference/settings.md):
  HITL_HOME     folder for all data               (./var)
  PORT          port of the web page              (8000; another one if it is taken)
  HITL_BIND     address to listen on              (127.0.0.1)
  DATABASE_URL  a PostgreSQL server of your own   (one is started)
  REDIS_URL     a Redis or Valkey of your own     (one is started)
  PYTHON        the Python to use, 3.11 or newer  (the first that is found)
"""
USAGE_ERROR = 2


def main(arguments: Sequence[str]) -> int:
    """arguments: the door (`run` or `test`), then what was typed behind it."""
    door, *rest = arguments
    try:
        return test(os.environ, rest) if door == "test" else _run_door(rest)
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run_door(arguments: Sequence[str]) -> int:
    command, *rest = arguments or ["up"]
    if command in ("help", "--help", "-h"):
        print(HELP, end="")
        return 0
    if command not in ("up", "demo", "status", "stop", "manage"):
        return _refuse(f"unknown command {command!r}")
    if rest and command != "manage":
        return _refuse(f"{command} takes no arguments: {' '.join(rest)}")
    paths = prepare_home(home_from(os.environ))
    if command == "manage":
        return manage(paths, os.environ, rest)
    if command == "status":
        return status(paths)
    if command == "stop":
        return stop(paths)
    return run(paths, os.environ, demo=command == "demo")


def _refuse(reason: str) -> int:
    print(f"error: {reason}\n\n{HELP}", file=sys.stderr, end="")
    return USAGE_ERROR
