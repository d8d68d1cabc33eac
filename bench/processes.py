"""What processes on this machine use, from /proc."""

import asyncio
import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path

QUIET_SECONDS = 0.3
QUIET_WITHIN = 60.0


def raise_file_limit() -> None:
    """As far as we may; what we start inherits it. A waiting agent is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resident_kib(pids: Sequence[int]) -> int:
    return sum(_status(pid, "VmRSS") for pid in pids)


def threads(pids: Sequence[int]) -> int:
    return sum(_status(pid, "Threads") for pid in pids)


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise LookupError(name)


def used_seconds(pids: Sequence[int]) -> float:
    """Processor time so far; to the hundredth."""
    return _ticks(pids) / os.sysconf("SC_CLK_TCK")


def children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (folder / "stat").exists():
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(folder.name))
    return found


async def until_quiet(pids: Sequence[int]) -> None:
    """Returns when they have next to nothing to do. Raises TimeoutError."""
    deadline = time.monotonic() + QUIET_WITHIN
    before = _ticks(pids)
    while time.monotonic() < deadline:
        await asyncio.sleep(QUIET_SECONDS)
        used = _ticks(pids)
        if used - before <= QUIET_SECONDS * os.sysconf("SC_CLK_TCK") / 10:
            return
        before = used
    raise TimeoutError("the web processes do not come to rest")


def _ticks(pids: Sequence[int]) -> int:
    """Processor time in clock ticks; the name in parentheses may hold spaces."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats)
