"""`python -m bench NAME ...`: runs a benchmark with the console's packages, made if need be."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hitlconsole.local.console import LocalError, Stopped
from hitlconsole.local.environment import RUNTIME, ensure_environment
from hitlconsole.local.paths import home_from, prepare_home
from hitlconsole.local.signals import StopSignals

FOLDER = Path(__file__).parent
# Each has a command beside this file.
BENCHMARKS = sorted(one.name for one in FOLDER.iterdir() if one.is_file() and not one.suffix)


def main(arguments: Sequence[str]) -> NoReturn:
    if not arguments or arguments[0] not in BENCHMARKS:
        sys.exit(f"error: the benchmarks are {', '.join(BENCHMARKS)}")
    name, *rest = arguments
    signals = StopSignals()
    signals.install()
    try:
        environment = ensure_environment(prepare_home(home_from(os.environ)), RUNTIME, signals)
    except LocalError as error:
        sys.exit(f"error: {error}")
    except Stopped as stopped:
        sys.exit(f"stopped ({stopped})")
    command = [str(environment.python), "-P", "-m", f"bench.{name}", *rest]
    os.execv(command[0], command)  # noqa: S606


main(sys.argv[1:])
