"""Figures: percentiles, tables, and where they were measured."""

import json
import math
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

NANOSECONDS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Measured:
    """One run of one side: how much, and how long each took."""

    count: int
    per_second: float
    p50_ms: float
    p99_ms: float


def measured(latencies_ms: Sequence[float], elapsed: float) -> Measured:
    ordered = sorted(latencies_ms)
    return Measured(
        count=len(ordered),
        per_second=len(ordered) / elapsed,
        p50_ms=percentile(ordered, 50),
        p99_ms=percentile(ordered, 99),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was measured, none in between. `ordered` is not empty."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width; the first one is of names, the others of numbers."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


class Percentiles(Protocol):
    """A run, as a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def percentile(self, percent: float) -> float: ...


def runs_as_json(name: str, runs: Sequence[Percentiles], seconds: float) -> dict[str, Any]:
    """What each run measured, with its median and the slowest hundredth in milliseconds."""
    return {
        "benchmark": name,
        "seconds": seconds,
        "runs": [
            {"p50_ms": run.percentile(50), "p99_ms": run.percentile(99), **asdict(run)}
            for run in runs
        ],
    }


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}"
    )


def write_json(file: Path | None, figures: dict[str, Any]) -> None:
    if file is not None:
        taken = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
        file.write_text(json.dumps(taken | figures, indent=1) + "\n")


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
