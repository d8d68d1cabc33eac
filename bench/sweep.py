"""Sweeping overdue requests, against bare SQL that does as little as can be called the same.

The sides take turns on one server: the console's sweep (due step, audit event with its leaf queue,
news for the outbox, guards), by one process and by two at once, and a loop of one statement that
changes 1,000 rows and writes an event for each. Every request is counted afterwards.
"""

import argparse
import json
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from bench.console import Console, inside_command, own_console, run_benchmark
from bench.figures import machine, progress, table, write_json
from hitlconsole.local.paths import ROOT

BATCH, BARE_BATCH = 500, 1000
ONE, TWO, BARE = "console, one process", "console, two processes", "bare SQL"

# Two tables as in any system of this kind: a request with about 1 kB, and its events.
BARE_SCHEMA = """
CREATE TABLE bare_request (
    id uuid PRIMARY KEY, team int NOT NULL, status text NOT NULL, deadline timestamptz,
    payload jsonb NOT NULL, created_at timestamptz NOT NULL
);
CREATE INDEX ON bare_request (team, deadline) WHERE status = 'pending';
CREATE INDEX ON bare_request (deadline) WHERE status = 'pending';
CREATE INDEX ON bare_request (created_at);
CREATE TABLE bare_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request_id uuid NOT NULL,
    type text NOT NULL, at timestamptz NOT NULL, body jsonb NOT NULL
);
CREATE INDEX ON bare_event (request_id);
CREATE INDEX ON bare_event (at);
"""
BARE_FILL = """
INSERT INTO bare_request
SELECT gen_random_uuid(), 1, 'pending', clock_timestamp() - interval '1 minute',
       jsonb_build_object('description', repeat('x', 900)), clock_timestamp()
FROM generate_series(1, %s)
"""
BARE_SWEEP = """
WITH due AS (
    SELECT id FROM bare_request WHERE status = 'pending' AND deadline <= clock_timestamp()
    ORDER BY deadline LIMIT %s FOR UPDATE SKIP LOCKED
), changed AS (
    UPDATE bare_request AS request
    SET status = 'escalated', deadline = clock_timestamp() + interval '1 day'
    FROM due WHERE request.id = due.id RETURNING request.id
)
INSERT INTO bare_event (request_id, type, at, body)
SELECT id, 'timeout', clock_timestamp(), '{"reason": "time_limit"}' FROM changed
"""
# Copies of one request that waits, each overdue.
FILL = """
INSERT INTO approvals_approvalrequest
SELECT (jsonb_populate_record(request, jsonb_build_object(
    'id', gen_random_uuid(), 'idempotency_key', NULL, 'reminder_at', NULL,
    'deadline', hitl_now() - interval '1 minute'))).*
FROM approvals_approvalrequest AS request, generate_series(1, %s)
WHERE request.id = %s
"""


@dataclass(frozen=True)
class Options:
    requests: int
    repeats: int
    json: Path | None


def read_options(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description="Overdue requests a second, against bare SQL.")
    parser.add_argument("--requests", type=int, default=100_000, help="of one run (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="of each side (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    return Options(**vars(parser.parse_args(arguments)))


def measure(console: Console, database: psycopg.Connection, options: Options) -> dict:
    sample = ask_once(console)
    seconds: dict[str, list[float]] = {ONE: [], TWO: [], BARE: []}
    for repeat in range(options.repeats):
        for side in seconds:
            processes = {ONE: 1, TWO: 2, BARE: 0}[side]
            taken = (
                _sweep(console, database, sample, options.requests, processes)
                if processes
                else _bare(console, options.requests)
            )
            seconds[side].append(taken)
            progress(f"{repeat + 1} of {options.repeats}, {side}: {taken:.1f} s")
    return seconds


def ask_once(console: Console) -> str:
    """The id of a request that waits, with a context of 800 letters."""
    body = {
        "action": {"type": "refund.create", "arguments": {"order": "5512", "amount": "420.00"}},
        "description": "Refund order 5512: parcel lost",
        "risk": {"reversible": False, "domains": ["financial"], "cost_usd": "420.00"},
        "confidence": {"score": 0.9},
        "context": {"task": "x" * 800},
    }
    request = urllib.request.Request(  # noqa: S310 - our own console
        f"{console.stack.url}/api/v1/requests",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {console.agents[0].key}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(json.load(answer)["id"])


def _sweep(
    console: Console, database: psycopg.Connection, sample: str, requests: int, processes: int
) -> float:
    """Seconds from the start of the processes, which takes one of them, to the end of the last."""
    database.execute(FILL, (requests, sample))
    database.commit()
    taken = _timed([inside_command("sweep", str(BATCH))] * processes, console)
    ((left,),) = database.execute(
        "SELECT count(*) FROM approvals_approvalrequest"
        " WHERE status = 'pending' AND deadline <= hitl_now()"
    )
    database.commit()
    assert left == 0, f"{left} were left"
    return taken


def _timed(commands: Sequence[Sequence[str]], console: Console) -> float:
    began = time.perf_counter()
    running = [
        subprocess.Popen(one, env=console.stack.env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for one in commands
    ]
    for one in running:
        one.communicate()
        assert one.returncode == 0
    return time.perf_counter() - began


def _bare(console: Console, requests: int) -> float:
    with psycopg.connect(console.stack.env["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("DROP TABLE IF EXISTS bare_request, bare_event")
        owner.execute(BARE_SCHEMA)
        owner.execute(BARE_FILL, (requests,))
        began = time.perf_counter()
        while owner.execute(BARE_SWEEP, (BARE_BATCH,)).rowcount:
            pass
        taken = time.perf_counter() - began
        owner.execute("DROP TABLE bare_request, bare_event")
    return taken


def report(seconds: dict[str, list[float]], options: Options) -> str:
    bare = statistics.median(seconds[BARE])
    rows = [
        [
            side,
            f"{statistics.median(taken):.1f}",
            f"{options.requests / statistics.median(taken):,.0f}",
            f"{statistics.median(taken) / bare:.1f}",
        ]
        for side, taken in seconds.items()
    ]
    return table(["side", "seconds", "requests/s", "x bare SQL"], rows)


def main() -> None:
    options = read_options()
    with own_console(agents=1) as console, psycopg.connect(console.database_url) as database:
        seconds = measure(console, database, options)
    print(f"{options.requests:,} overdue requests; {machine()}")
    print(report(seconds, options))
    write_json(options.json, {"options": asdict(options) | {"json": None}, "seconds": seconds})


if __name__ == "__main__":
    run_benchmark(main)
