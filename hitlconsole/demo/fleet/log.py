"""The fleet's own words: one short line for each thing that happens."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

WIDTH = 13
LONGEST = 110

Write = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Log:
    write: Write
    who: str = ""
    clock: Callable[[], datetime] = field(default=lambda: datetime.now().astimezone())

    def of(self, who: str) -> "Log":
        return Log(self.write, who, self.clock)

    def say(self, words: str) -> None:
        line = textwrap.shorten(words, LONGEST, placeholder=" …")
        self.write(f"{self.clock():%H:%M:%S}  {self.who:<{WIDTH}} {line}")
