"""From the commit of a decision to the moment when the agent that waits for it has the answer.

Every waiter is an agent's long poll on a connection of its own, for a request of its own. One
after the other is decided, by the deciding service in a process of its own; the clock is read
there right after the commit, and here when the answer has been read from the socket. Both read
the machine's one monotonic clock.
"""

import asyncio
import random
import statistics
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import uvloop

from bench.client import Connection, Reply, connect, request_bytes
from bench.console import Console, inside_command, own_console, run_benchmark
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
from bench.processes import raise_file_limit, resident_kib, threads, until_quiet
from bench.question import Asker, WrongAnswerError, request_id_of
from hitlconsole.local.paths import ROOT

ABOUT = "From a committed decision to the waiting agent. --connections: how many wait."
DEFAULTS = Options(connections=(1, 100, 1000), seconds=10, repeats=3, json=None)
WAIT_SECONDS = 60
PAUSE_SECONDS = 0.02
# Below that a waiter's memory drowns in that of everything else.
FEWEST_FOR_MEMORY = 100


@dataclass(frozen=True)
class Woken:
    """Milliseconds until the answer was there: since the commit, and since the decision began."""

    since_commit: float
    since_begin: float


@dataclass(frozen=True)
class Run:
    """One run with so many waiters; the memory is that of the web processes, above none waiting."""

    waiters: int
    woken: Sequence[Woken]
    waiter_kib: float
    threads: int
    database_connections: int

    def percentile(self, percent: float, figure: str = "since_commit") -> float:
        return percentile(sorted(getattr(woken, figure) for woken in self.woken), percent)


class Decider:
    """The process that decides; see bench.inside."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def approve(self, request_id: UUID) -> tuple[int, int]:
        """(begun, committed) in nanoseconds of the monotonic clock."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{request_id}\n".encode())
        begun, committed = (await self._process.stdout.readline()).split()
        return int(begun), int(committed)


@asynccontextmanager
async def deciding(console: Console) -> AsyncIterator[Decider]:
    process = await asyncio.create_subprocess_exec(
        *inside_command("decide", console.reviewer),
        stdin=PIPE,
        stdout=PIPE,
        env=console.stack.env,
        cwd=ROOT,
    )
    try:
        yield Decider(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the end of its input is its end
        await process.wait()


class Waiter:
    """An agent that asks how its request stands, and asks again when a wait ends without news."""

    def __init__(self, line: Connection, host: str, key: str) -> None:
        self._line = line
        self._host = host
        self._headers = {"Authorization": f"Bearer {key}"}
        self.request_id: UUID
        self.answer: asyncio.Task[Reply]

    def wait_for(self, request_id: UUID) -> None:
        self.request_id = request_id
        self.answer = asyncio.create_task(self._poll(request_id))

    async def _poll(self, request_id: UUID) -> Reply:
        target = f"/api/v1/requests/{request_id}?wait={WAIT_SECONDS}&revision=1"
        request = request_bytes("GET", target, self._host, self._headers)
        while True:
            reply = await self._line.ask(request)
            if reply.status != 200 or b'"status":"pending"' not in reply.body:
                return reply

    async def leave(self) -> None:
        self.answer.cancel()
        self._line.close()


class Room:
    """A console with its waiters, and everybody who makes them wait and wakes them."""

    def __init__(self, console: Console, decider: Decider, line: Connection) -> None:
        self._console = console
        self._decider = decider
        self._line = line
        # Waiters are of one agent, as its key is checked when they look.
        self._agent = console.agents[0]
        self._asker = Asker(console.address, [self._agent.key], f"wake-{time.time_ns()}-")
        self._waiters: list[Waiter] = []

    async def fill(self, count: int) -> None:
        host, port = self._console.address
        for _ in range(count):
            line = await connect(host, port)
            waiter = Waiter(line, f"{host}:{port}", self._agent.key)
            self._waiters.append(waiter)
            await self._seat(waiter)

    async def _seat(self, waiter: Waiter) -> None:
        waiter.wait_for(request_id_of(await self._asker.ask(self._line)))

    async def wake_for(self, seconds: float) -> list[Woken]:
        """One after the other, taken at random; who was woken waits for another request."""
        until, woken = time.monotonic() + seconds, []
        while time.monotonic() < until:
            waiter = random.choice(self._waiters)
            begun, committed = await self._decider.approve(waiter.request_id)
            reply = await waiter.answer
            _check_approved(reply)
            woken.append(
                Woken(
                    (reply.at - committed) / NANOSECONDS_PER_MS,
                    (reply.at - begun) / NANOSECONDS_PER_MS,
                )
            )
            await self._seat(waiter)
            await asyncio.sleep(PAUSE_SECONDS)
        return woken

    async def empty(self) -> None:
        """Raises WrongAnswerError where somebody was woken for nothing."""
        if any(waiter.answer.done() for waiter in self._waiters):
            raise WrongAnswerError("a waiter was answered without a decision")
        for waiter in self._waiters:
            await waiter.leave()
        self._waiters.clear()


def _check_approved(reply: Reply) -> None:
    if reply.status != 200 or b'"proceed":true' not in reply.body:
        raise WrongAnswerError(f"{reply.status}: {reply.body[:1000].decode()}")


async def measure(console: Console, options: Options) -> list[Run]:
    pids = console.stack.pids("web")
    async with deciding(console) as decider:
        line = await connect(*console.address)
        room = Room(console, decider, line)
        await room.fill(1)
        await room.wake_for(1)
        await room.empty()
        await until_quiet(pids)
        empty_kib = resident_kib(pids)
        runs = []
        for waiters in options.connections:
            for repeat in range(options.repeats):
                runs.append(await _run(console, room, waiters, options.seconds, empty_kib))
                progress(
                    f"{waiters} waiting, {repeat + 1} of {options.repeats}:"
                    f" p50 {runs[-1].percentile(50):.2f} ms, p99 {runs[-1].percentile(99):.2f} ms"
                )
        line.close()
        return runs


async def _run(console: Console, room: Room, waiters: int, seconds: float, empty_kib: int) -> Run:
    pids = console.stack.pids("web")
    await room.fill(waiters)
    await until_quiet(pids)
    kib = (resident_kib(pids) - empty_kib) / waiters
    used = threads(pids), _database_connections(console)
    woken = await room.wake_for(seconds)
    await room.empty()
    return Run(waiters, woken, kib, *used)


def _database_connections(console: Console) -> int:
    """Of the web processes: all that belong to the application, but for this one."""
    query = """SELECT count(*) FROM pg_stat_activity WHERE usename = current_user
               AND datname = current_database() AND pid <> pg_backend_pid()"""
    with psycopg.connect(console.database_url) as database:
        row = database.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def shown(runs: Sequence[Run]) -> str:
    headings = [
        "waiting",
        "wakes",
        "p50 ms",
        "p99 ms",
        "p50 with deciding",
        "KiB a waiter",
        "web threads",
        "database connections",
    ]
    counts = sorted({run.waiters for run in runs})
    return table(headings, [_cells([run for run in runs if run.waiters == n]) for n in counts])


def _cells(runs: Sequence[Run]) -> list[str]:
    first = runs[0]
    # Later runs use again what the first one has left.
    memory = f"{first.waiter_kib:.0f}" if first.waiters >= FEWEST_FOR_MEMORY else "-"
    return [
        f"{first.waiters:,}",
        f"{sum(len(run.woken) for run in runs):,}",
        f"{statistics.median(run.percentile(50) for run in runs):.2f}",
        f"{statistics.median(run.percentile(99) for run in runs):.2f}",
        f"{statistics.median(run.percentile(50, 'since_begin') for run in runs):.2f}",
        memory,
        f"{max(run.threads for run in runs)}",
        f"{max(run.database_connections for run in runs)}",
    ]


def main() -> None:
    options = read_options(ABOUT, DEFAULTS)
    raise_file_limit()
    with own_console(agents=1) as console:
        runs = uvloop.run(measure(console, options))
    print(f"Medians of {options.repeats} runs of {options.seconds:g} s; {machine()}")
    print(shown(runs))
    write_json(options.json, runs_as_json("wake", runs, options.seconds))


if __name__ == "__main__":
    run_benchmark(main)
