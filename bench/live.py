"""From a committed decision to the last of the open pages, all of them on one web process.

`python -m bench.live --json FILE`. Each page is a stream on a connection of its own. Requests are
approved one after the other by a process that takes the monotonic clock right after its commit; the
same clock of the same machine is read when each stream's event has arrived.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from bench.client import connect
from bench.console import Console, ask_inside, own_console, run_benchmark
from bench.figures import (
    NANOSECONDS_PER_MS,
    machine,
    percentile,
    progress,
    runs_as_json,
    table,
    write_json,
)
from bench.options import Options, read_options
from bench.processes import raise_file_limit, resident_kib, until_quiet
from bench.question import Asker, request_id_of
from bench.streams import Listener, open_streams
from bench.wake import Decider, deciding
from hitlconsole.local.application import healthy, web_programs
from hitlconsole.local.environment import Environment
from hitlconsole.local.paths import ROOT
from hitlconsole.local.ports import SharedPort

ABOUT = "From a committed decision to the last open page. --connections: how many are open."
DEFAULTS = Options(connections=(1, 100, 500), seconds=20, repeats=2, json=None)
# Of one person; below the limit of the console.
STREAMS_EACH = 10
# Longer than the time in which changes are gathered: each is the first of its burst.
PAUSE_SECONDS = 0.4
TOLD_SECONDS = 20.0
LOCALHOST = "127.0.0.1"
FEWEST_FOR_MEMORY = 100


@dataclass(frozen=True)
class Told:
    """Milliseconds since the commit, until the first and until the last page had its event."""

    first: float
    last: float


@dataclass(frozen=True)
class Run:
    streams: int
    told: Sequence[Told]
    stream_kib: float

    def percentile(self, percent: float, figure: str = "last") -> float:
        return percentile(sorted(getattr(told, figure) for told in self.told), percent)


@dataclass(frozen=True)
class Web:
    """A web process of its own, beside those of the console, which have next to nothing to do."""

    pid: int
    address: tuple[str, int]


@contextmanager
def one_web_process(console: Console) -> Iterator[Web]:
    environment = Environment(ROOT, Path(sys.prefix))
    with SharedPort(LOCALHOST, 0) as port:
        variables = console.stack.env | {"HITL_BASE_URL": f"http://{LOCALHOST}:{port.number}"}
        program = web_programs(environment, variables, port)[0]
        with port.socket() as listener:
            words = [word.format(fd=listener.fileno()) for word in program.argv]
            fds = [listener.fileno()]
            process = subprocess.Popen(words, env=variables, cwd=ROOT, pass_fds=fds)
        try:
            while not healthy(LOCALHOST, port.number, variables["HITL_BASE_URL"]):
                time.sleep(0.1)
            yield Web(process.pid, (LOCALHOST, port.number))
        finally:
            process.terminate()
            process.wait()


async def measure(console: Console, options: Options, web: Web) -> list[Run]:
    people = -(-max(options.connections) // STREAMS_EACH)
    cookies = ask_inside(console.stack, "sessions", str(people))
    line = await connect(*console.address)
    asker = Asker(console.address, [console.agents[0].key], f"live-{time.time_ns()}-")

    async def ask() -> UUID:
        return request_id_of(await asker.ask(line))

    async with deciding(console) as decider:
        await _change(decider, await ask(), await open_streams(web.address, cookies, 1))
        runs = []
        for streams in options.connections:
            for repeat in range(options.repeats):
                await until_quiet([web.pid])
                empty_kib = resident_kib([web.pid])
                listeners = await open_streams(web.address, cookies, streams)
                await until_quiet([web.pid])
                kib = (resident_kib([web.pid]) - empty_kib) / streams
                told = await _tell_for(options.seconds, decider, ask, listeners)
                runs.append(Run(streams, told, kib))
                progress(
                    f"{streams} open, {repeat + 1} of {options.repeats}: the last after"
                    f" p50 {runs[-1].percentile(50):.1f} ms, p99 {runs[-1].percentile(99):.1f} ms"
                )
                for listener in listeners:
                    listener.close()
    line.close()
    return runs


async def _tell_for(
    seconds: float, decider: Decider, ask: Any, listeners: Sequence[Listener]
) -> list[Told]:
    until, told = time.monotonic() + seconds, []
    while time.monotonic() < until:
        request_id = await ask()
        # The submission is a change as well; its event is over by then.
        await asyncio.sleep(PAUSE_SECONDS)
        told.append(await _change(decider, request_id, listeners))
        await asyncio.sleep(PAUSE_SECONDS)
    return told


async def _change(decider: Decider, request_id: UUID, listeners: Sequence[Listener]) -> Told:
    """Raises TimeoutError where not every page is told."""
    expected = [listener.expect() for listener in listeners]
    _, committed = await decider.approve(request_id)
    async with asyncio.timeout(TOLD_SECONDS):
        arrived = await asyncio.gather(*expected)
    return Told(
        (min(arrived) - committed) / NANOSECONDS_PER_MS,
        (max(arrived) - committed) / NANOSECONDS_PER_MS,
    )


def shown(runs: Sequence[Run]) -> str:
    headings = ["open", "changes", "first p50 ms", "last p50 ms", "last p99 ms", "KiB a stream"]
    counts = sorted({run.streams for run in runs})
    return table(headings, [_cells([run for run in runs if run.streams == n]) for n in counts])


def _cells(runs: Sequence[Run]) -> list[str]:
    first = runs[0]
    # Later runs use again what the first one has left.
    memory = f"{first.stream_kib:.0f}" if first.streams >= FEWEST_FOR_MEMORY else "-"
    return [
        f"{first.streams:,}",
        f"{sum(len(run.told) for run in runs):,}",
        f"{statistics.median(run.percentile(50, 'first') for run in runs):.1f}",
        f"{statistics.median(run.percentile(50) for run in runs):.1f}",
        f"{statistics.median(run.percentile(99) for run in runs):.1f}",
        memory,
    ]


def main() -> None:
    options = read_options(ABOUT, DEFAULTS)
    raise_file_limit()
    with own_console(agents=1) as console, one_web_process(console) as web:
        runs = uvloop.run(measure(console, options, web))
    print(f"Medians of {options.repeats} runs of {options.seconds:g} s; {machine()}")
    print(shown(runs))
    write_json(options.json, runs_as_json("live", runs, options.seconds))


if __name__ == "__main__":
    run_benchmark(main)
