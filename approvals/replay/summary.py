"""What a replay came to, as a table. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from approvals.vocabulary import Status
from autonomy.vocabulary import Level


@dataclass(slots=True)
class Tally:
    """Counts while the replay runs; times in seconds."""

    episodes: int = 0
    tool_calls: int = 0
    consequential: int = 0
    takeovers_skipped: int = 0
    replayed: int = 0
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    bad_lines: list[tuple[int, str]] = field(default_factory=list)
    submitting: list[float] = field(default_factory=list)
    deciding: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def answered(self) -> int:
        return sum(self.answers.values())

    @property
    def failed(self) -> int:
        return sum(self.problems.values())

    @property
    def is_clean(self) -> bool:
        return not self.failed and not self.bad_lines


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that occurred."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def summary(tally: Tally) -> str:
    sections = (_counts(tally), _levels(tally), _times(tally), _troubles(tally))
    return "\n\n".join("\n".join(section) for section in sections if section)


def _counts(tally: Tally) -> list[str]:
    rate = tally.answered / tally.elapsed if tally.elapsed else 0.0
    skipped = f", {tally.takeovers_skipped} hand-overs skipped" if tally.takeovers_skipped else ""
    return [
        f"Episodes   {tally.episodes:,}, {tally.tool_calls:,} tool calls,"
        f" {tally.consequential:,} of them consequential{skipped}",
        f"Requests   {tally.answered:,} answered ({tally.replayed:,} repeats of earlier ones),"
        f" {tally.failed:,} refused or failed",
        f"Time       {tally.elapsed:.1f} s, {rate:.1f} requests/s",
    ]


def _levels(tally: Tally) -> list[str]:
    if not tally.answers:
        return []
    seen_levels, seen_statuses = map(set, zip(*tally.answers, strict=True))
    levels = [level.name for level in reversed(Level) if level.name in seen_levels]
    statuses = [status.value for status in Status if status.value in seen_statuses]
    rows = [["Level", *statuses, "total"]]
    rows += [_row(level, [tally.answers[level, status] for status in statuses]) for level in levels]
    sums = [sum(tally.answers[level, status] for level in levels) for status in statuses]
    return table([*rows, _row("total", sums)])


def _row(name: str, counts: list[int]) -> list[str]:
    return [name, *(f"{count:,}" if count else "·" for count in counts), f"{sum(counts):,}"]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first to the left, numbers to the right, a rule below the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_aligned(row, widths) for row in rows]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]


def _aligned(row: Iterable[str], widths: list[int]) -> str:
    cells = list(zip(row, widths, strict=True))
    first, width = cells[0]
    return "  ".join((first.ljust(width), *(cell.rjust(size) for cell, size in cells[1:])))


def _times(tally: Tally) -> list[str]:
    named = (("to submit", tally.submitting), ("to a decision", tally.deciding))
    rows = [_time_row(name, values) for name, values in named if values]
    return table([["Time", "p50", "p99", "max"], *rows]) if rows else []


def _time_row(name: str, values: list[float]) -> list[str]:
    marks = (percentile(values, 50), percentile(values, 99), max(values))
    return [name, *(duration(seconds) for seconds in marks)]


def duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _troubles(tally: Tally) -> list[str]:
    troubles = [f"{count:,} × {words}" for words, count in tally.problems.most_common()]
    return troubles + [f"line {number}: {reason}" for number, reason in tally.bad_lines]
