"""How long the pages take in which a reviewer works, while the history behind them grows.

A console is filled with requests, of which always the same number are open. A person is signed in,
and each page is asked for over HTTP again and again on one connection: from sending the request to
the last byte of the answer. Every answer is checked for what it has to show.
"""

import argparse
import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

import uvloop

from bench.client import Connection, Reply, connect, request_bytes
from bench.console import Console, inside_command, own_console, run_benchmark
from bench.figures import machine, percentile, progress, table, write_json
from bench.processes import children, used_seconds
from bench.sweep import ask_once
from hitlconsole.local.paths import ROOT

AGENTS = 8
WARM_UP = 5


@dataclass(frozen=True)
class Options:
    requests: tuple[int, ...]
    open: int
    times: int
    json: Path | None


@dataclass(frozen=True)
class Page:
    """`shows`: what has to be in the answer."""

    name: str
    target: str
    shows: bytes


@dataclass(frozen=True)
class Timed:
    """`cpu_ms`: processor time of the web processes and the database, a page."""

    p50_ms: float
    p95_ms: float
    most_ms: float
    cpu_ms: float


def read_options(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description="Server time of the pages a reviewer works in.")
    parser.add_argument(
        "--requests",
        type=_counts,
        default=(10_000, 100_000, 1_000_000),
        metavar="N[,N...]",
        help="how many there are, growing (10000,100000,1000000)",
    )
    parser.add_argument("--open", type=int, default=10_000, help="of them (%(default)s)")
    parser.add_argument("--times", type=int, default=100, help="for each page (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    options = Options(**vars(parser.parse_args(arguments)))
    if not 100 <= options.open <= min(options.requests):
        parser.error("--open: at least 100, and no more than there are requests")
    return options


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


class Person:
    """Somebody signed in, on one connection that is kept open."""

    def __init__(self, console: Console, line: Connection, cookie: str) -> None:
        self._host = "{}:{}".format(*console.address)
        self._cookie = cookie
        self._line = line

    async def get(self, target: str) -> Reply:
        headers = {"Cookie": self._cookie, "Accept": "text/html"}
        return await self._line.ask(request_bytes("GET", target, self._host, headers))

    async def read(self, page: Page) -> float:
        """Milliseconds."""
        begun = time.monotonic_ns()
        reply = await self.get(page.target)
        assert reply.status == 200, f"{page.name}: {reply.status}"
        assert page.shows in reply.body, f"{page.name} does not show {page.shows!r}"
        return (reply.at - begun) / 1e6


async def measure_pages(console: Console, words: dict[str, str], times: int) -> dict[str, Timed]:
    (cookie,) = json.loads(_run(console, inside_command("sessions", "1")))
    person = Person(console, await connect(*console.address), cookie)
    measured = {}
    for page in await _pages(person, words):
        measured[page.name] = await _measure_page(person, page, _processes(console), times)
        progress(f"  {page.name}: p95 {measured[page.name].p95_ms:.0f} ms")
    return measured


def _processes(console: Console) -> list[int]:
    """Those that answer, with the database's processes behind them."""
    return [*console.stack.pids("web"), *children(*console.stack.pids("postgres"))]


async def _measure_page(person: Person, page: Page, processes: Sequence[int], times: int) -> Timed:
    for _ in range(WARM_UP):
        await person.read(page)
    before = used_seconds(processes)
    taken = sorted([await person.read(page) for _ in range(times)])
    used = used_seconds(processes) - before
    return Timed(percentile(taken, 50), percentile(taken, 95), taken[-1], used * 1000 / times)


async def _pages(person: Person, words: dict[str, str]) -> list[Page]:
    queue = (await person.get("/")).body.decode()
    rows = re.findall(r'data-row="([^"]+)"', queue)
    delta = html.unescape(_first(r'data-live-url="([^"]+)"', queue))
    asked = {"since": _first(r'data-live-since="([^"]+)"', queue), "shown": ",".join(rows)}
    more = html.unescape(_first(r'hx-get="(\?[^"]*after=[^"]+)"', queue))
    agent = _first(r'<option value="([0-9a-f-]{36})"', queue)
    return [
        Page("queue", "/", rows[-1].encode()),
        Page("what changed", f"{delta}&{urlencode(asked)}", rows[-1].encode()),
        Page("load 50 more", f"/{more}", b"data-row="),
        Page("queue of one agent", f"/?agent={agent}", b"data-row="),
        Page("queue, one order", f"/?q={words['order']}", words["order"].encode()),
        Page("queue, a rare word", f"/?q={words['rare']}", b"data-row="),
        Page("queue, a word in all", "/?q=order", b"data-row="),
        Page("history", "/requests/", b"<tbody>"),
        Page("history, one order", f"/requests/?q={words['order']}", words["order"].encode()),
        Page("history, a rare word", f"/requests/?q={words['rare']}", b"<tbody>"),
        Page("history, a word in all", "/requests/?q=order", b"<tbody>"),
        Page("one request", f"/requests/{rows[0]}/", rows[0].encode()),
    ]


def _first(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match.group(1)


def _measure(console: Console, options: Options, size: int) -> dict[str, Timed]:
    progress(f"{size:,} requests")
    agents = ",".join(agent.id for agent in console.agents)
    command = [sys.executable, "-m", "bench.fill", agents, str(size), str(options.open)]
    words: dict[str, str] = json.loads(_run(console, command))
    return uvloop.run(measure_pages(console, words, options.times))


def _run(console: Console, command: Sequence[str]) -> str:
    """What it prints, in the console's environment."""
    done = subprocess.run(
        command, env=console.stack.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def report(measured: dict[int, dict[str, Timed]]) -> str:
    headings = ["p50 / p95 / processor ms", *(f"{size:,}" for size in measured)]
    names = next(iter(measured.values()))
    return table(
        headings,
        [
            [
                name,
                *(_cell(pages[name]) for pages in measured.values()),
            ]
            for name in names
        ],
    )


def _cell(timed: Timed) -> str:
    return f"{timed.p50_ms:.0f} / {timed.p95_ms:.0f} / {timed.cpu_ms:.0f}"


def main() -> None:
    options = read_options()
    with own_console(agents=AGENTS) as console:
        ask_once(console)
        measured = {size: _measure(console, options, size) for size in options.requests}
    print(f"{options.times} times each, {options.open:,} requests are open; {machine()}")
    print(report(measured))
    sizes = {
        str(size): {name: asdict(timed) for name, timed in pages.items()}
        for size, pages in measured.items()
    }
    write_json(options.json, {"benchmark": "queue", "open": options.open, "requests": sizes})


if __name__ == "__main__":
    run_benchmark(main)
