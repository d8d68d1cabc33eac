"""Submissions through the API, against pgbench writing the same rows on the same server.

The sides take turns: console, one statement, separate statements, and again. Every answer is
checked, and at the end the rows are counted: as many as there were answers.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import psycopg
import uvloop

from bench.client import Connection, connect
from bench.console import Console, own_console, run_benchmark
from bench.figures import Measured, machine, measured, progress, table, write_json
from bench.options import Options, read_options
from bench.pgbench import find_pgbench, run_for
from bench.question import Asker, request_id_of
from bench.twin import Twin, check_twin, count_rows, make_twin, rows_added

ABOUT = "Submissions a second and their latency, against pgbench on the same server."
DEFAULTS = Options(connections=(1, 16, 64), seconds=5, repeats=5, json=None)
AGENTS = 8
CONSOLE, ONE, SEPARATE = "console", "pgbench, one statement", "pgbench, separate statements"
SIDES = (CONSOLE, ONE, SEPARATE)
PREFIX = "ingest-"


class Load:
    """Connections that keep asking, and what that costs this process."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.asker = Asker(console.address, [agent.key for agent in console.agents], PREFIX)
        self.client_seconds = 0.0

    async def run_for(self, connections: int, seconds: float) -> Measured:
        lines = [await connect(*self._console.address) for _ in range(connections)]
        latencies: list[float] = []
        started, used = time.perf_counter(), time.process_time()
        until = started + seconds
        await asyncio.gather(*(self._keep_asking(line, until, latencies) for line in lines))
        elapsed = time.perf_counter() - started
        self.client_seconds += time.process_time() - used
        for line in lines:
            line.close()
        return measured(latencies, elapsed)

    async def _keep_asking(self, line: Connection, until: float, latencies: list[float]) -> None:
        while (begun := time.perf_counter()) < until:
            await self.asker.ask(line)
            latencies.append((time.perf_counter() - begun) * 1000)

    async def ask_once(self) -> UUID:
        line = await connect(*self._console.address)
        request_id = request_id_of(await self.asker.ask(line))
        line.close()
        return request_id


@dataclass(frozen=True)
class Figures:
    """All runs: connections -> side -> one for each repeat."""

    runs: dict[int, dict[str, list[Measured]]]
    client_us: float
    rows: dict[str, int]

    def ratio(self, connections: int, side: str, other: str) -> float:
        """The median of the ratios of neighbouring runs: what disturbs one disturbs both."""
        runs = self.runs[connections]
        pairs = zip(runs[side], runs[other], strict=True)
        return statistics.median(one.per_second / two.per_second for one, two in pairs)

    def median(self, connections: int, side: str, figure: str) -> float:
        values: list[float] = [getattr(run, figure) for run in self.runs[connections][side]]
        return statistics.median(values)


def measure(console: Console, database: psycopg.Connection, options: Options) -> Figures:
    load = Load(console)
    twin = _twin_of_a_submission(load, console, database)
    runs: dict[int, dict[str, list[Measured]]] = {}
    for connections in options.connections:
        kinds = _sides(load, twin, console, connections, options.seconds)
        runs[connections] = {side: [] for side in SIDES}
        for repeat in range(options.repeats):
            for side in SIDES:
                run = kinds[side]()
                runs[connections][side].append(run)
                progress(
                    f"{connections} connections, {repeat + 1} of {options.repeats}, {side}:"
                    f" {run.per_second:,.0f}/s"
                )
    answered = load.asker.answered
    used = load.client_seconds / answered * 1e6
    return Figures(runs, used, count_stored(database, answered))


def _twin_of_a_submission(load: Load, console: Console, database: psycopg.Connection) -> Twin:
    """From the second submission of an agent: the first one makes its profile as well."""
    for _ in console.agents:
        uvloop.run(load.ask_once())
    before = count_rows(database)
    request_id = uvloop.run(load.ask_once())
    submitted = rows_added(before, count_rows(database))
    twin = make_twin(database, request_id, [agent.id for agent in console.agents])
    check_twin(database, twin, console.database_url, submitted)
    return twin


def _sides(
    load: Load, twin: Twin, console: Console, connections: int, seconds: float
) -> dict[str, Callable[[], Measured]]:
    url = console.database_url
    return {
        CONSOLE: lambda: uvloop.run(load.run_for(connections, seconds)),
        ONE: lambda: run_for(twin.one_statement, url, connections=connections, seconds=seconds),
        SEPARATE: lambda: run_for(twin.separate, url, connections=connections, seconds=seconds),
    }


STORED = """
WITH request AS (SELECT id FROM approvals_approvalrequest WHERE idempotency_key LIKE %s)
SELECT (SELECT count(*) FROM request) AS requests,
       (SELECT count(*) FROM autonomy_evaluation JOIN request ON request_id = request.id),
       (SELECT count(*) FROM approvals_notification JOIN request ON request_id = request.id),
       (SELECT count(*) FROM audit_event JOIN request ON request_id = request.id)
"""


class LostError(Exception):
    """There are not as many rows as answers."""


def count_stored(database: psycopg.Connection, answered: int) -> dict[str, int]:
    """Raises LostError unless every answer has its request, evaluation, message and event."""
    row = database.execute(STORED, [f"{PREFIX}%"]).fetchone()
    assert row is not None
    stored = dict(zip(("requests", "evaluations", "deliveries", "events"), row, strict=True))
    if set(stored.values()) != {answered}:
        raise LostError(f"{answered} answers, but stored are {stored}")
    return {"answers": answered, **stored}


def shown(figures: Figures) -> str:
    headings = ["connections, side", "per second", "p50 ms", "p99 ms", "x one", "x separate"]
    rows = [
        [f"{connections:>3}  {side}", *_cells(figures, connections, side)]
        for connections in figures.runs
        for side in SIDES
    ]
    return table(headings, rows)


def _cells(figures: Figures, connections: int, side: str) -> Sequence[str]:
    return [
        f"{figures.median(connections, side, 'per_second'):,.0f}",
        f"{figures.median(connections, side, 'p50_ms'):.2f}",
        f"{figures.median(connections, side, 'p99_ms'):.2f}",
        f"{figures.ratio(connections, side, ONE):.2f}",
        f"{figures.ratio(connections, side, SEPARATE):.2f}",
    ]


def as_json(figures: Figures, options: Options) -> dict[str, Any]:
    return {
        "benchmark": "ingest",
        "seconds": options.seconds,
        "client_us_a_request": figures.client_us,
        "rows": figures.rows,
        "runs": [
            {
                "connections": connections,
                "side": side,
                "ratio_to_one_statement": figures.ratio(connections, side, ONE),
                "ratio_to_separate_statements": figures.ratio(connections, side, SEPARATE),
                "repeats": [asdict(run) for run in runs],
            }
            for connections, sides in figures.runs.items()
            for side, runs in sides.items()
        ],
    }


def main() -> None:
    options = read_options(ABOUT, DEFAULTS)
    find_pgbench()
    with (
        own_console(agents=AGENTS) as console,
        psycopg.connect(console.database_url, autocommit=True) as database,
    ):
        figures = measure(console, database, options)
    print(f"Medians of {options.repeats} runs of {options.seconds:g} s; {machine()}")
    print(shown(figures))
    print(
        f"The load generator used {figures.client_us:.0f} µs of processor time a request."
        f" All {figures.rows['answers']:,} answers are stored."
    )
    write_json(options.json, as_json(figures, options))


if __name__ == "__main__":
    run_benchmark(main)
