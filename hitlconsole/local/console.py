"""What the local runtime tells the person who started it."""

import sys
import time

STARTED = time.monotonic()


class LocalError(Exception):
    """Something the person at the keyboard has to know: printed without a traceback, exit 1."""


class Stopped(Exception):
    """Somebody asked for the end while something was still being started."""


def say(text: str) -> None:
    """A line of progress on standard error, which leaves standard output to results."""
    try:
        print(f"[{time.monotonic() - STARTED:5.1f}s] {text}", file=sys.stderr, flush=True)
    except OSError:
        # The terminal is gone (SIGHUP): nobody reads, and the orderly end must go on.
        return
