"""How far a replay is, on standard error: a line that is drawn again, or lines now and then."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

from approvals.replay.sending import Reader

WIDTH = 28
REDRAW_SECONDS = 0.1
LINE_SECONDS = 5.0


@dataclass(slots=True)
class Progress:
    reader: Reader
    lines: int | None
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _shown_at: float = field(default_factory=time.monotonic)

    def show(self) -> None:
        """Called as often as one likes."""
        pause = REDRAW_SECONDS if self.stream.isatty() else LINE_SECONDS
        if time.monotonic() - self._shown_at >= pause:
            self._shown_at = time.monotonic()
            self._draw()

    def say(self, words: str) -> None:
        """A line of its own, above the bar."""
        clear = "\r\033[K" if self.stream.isatty() else ""
        self.stream.write(f"{clear}{words}\n")
        self.stream.flush()

    def end(self) -> None:
        if self.stream.isatty():
            self._draw()
            self.stream.write("\n")

    def _draw(self) -> None:
        terminal = self.stream.isatty()
        words = progress_words(self.reader, self.lines, bar=terminal)
        self.stream.write(f"\r\033[K{words}" if terminal else f"{words}\n")
        self.stream.flush()


def progress_words(reader: Reader, lines: int | None, *, bar: bool) -> str:
    """`lines` None: nobody knows how many there are."""
    tally, done = reader.tally, reader.line_number
    rate = tally.answered / tally.elapsed if tally.elapsed else 0.0
    of = f" of {lines:,}" if lines is not None else ""
    drawn = _bar(done, lines) if bar and lines else ""
    trouble = f", {tally.failed:,} failed" if tally.failed else ""
    return f"{drawn}line {done:,}{of}, {tally.answered:,} requests answered ({rate:.0f}/s){trouble}"


def _bar(done: int, lines: int) -> str:
    filled = min(WIDTH, WIDTH * done // lines)
    return f"{'█' * filled}{'░' * (WIDTH - filled)} "
