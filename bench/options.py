"""What the benchmarks share on their command lines."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    connections: tuple[int, ...]
    seconds: float
    repeats: int
    json: Path | None


def read_options(about: str, defaults: Options, arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--connections",
        type=_counts,
        default=defaults.connections,
        metavar="N[,N...]",
        help=f"how many at once ({','.join(map(str, defaults.connections))})",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=defaults.seconds, help="of one run (%(default)s)"
    )
    parser.add_argument(
        "--repeats", type=_count, default=defaults.repeats, help="runs of each kind (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    return Options(**vars(parser.parse_args(arguments)))


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(part) for part in text.split(","))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise ValueError(text)
    return seconds
