import asyncio
import os
import signal
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals.agent_client import AgentClient, ApiProblem, ConsoleUnreachable
from approvals.replay.mapping import Mapping, MappingError, read_mapping
from approvals.replay.progress import Progress
from approvals.replay.sending import Options, Reader, send_all
from approvals.replay.summary import Tally, summary
from audit.events import SYSTEM
from hitlconsole.accounts.models import Agent
from hitlconsole.accounts.services import create_key, revoke_key

EXAMPLE_MAPPING = Path(__file__).resolve().parents[2] / "replay" / "airline.toml"
KEY_VARIABLE = "HITL_AGENT_KEY"
PATIENCE = 120.0
STOPPED_BY = {signal.SIGINT: 130, signal.SIGTERM: 143}


def _positive(kind: Callable[[str], Any], text: str) -> Any:
    try:
        number = kind(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number") from None
    if not number > 0:
        raise ArgumentTypeError("must be above 0")
    return number


class Command(BaseCommand):
    help = (
        "Send the consequential tool calls of recorded conversations (OpenAI chat format, one"
        " episode a line) to the console, as an agent, and print what became of them. Repeating"
        " a replay asks nothing twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", type=Path, help="the transcripts, JSON Lines")
        add("--agent", required=True, help="the name of the agent that asks")
        add("--url", default=settings.BASE_URL, help="the console's address (%(default)s)")
        add(
            "--key-file",
            type=Path,
            help=f"a file that holds the agent's key; otherwise ${KEY_VARIABLE}, otherwise a key"
            " is made for the replay and revoked at its end",
        )
        add("--mapping", type=Path, default=EXAMPLE_MAPPING, help="TOML or JSON (%(default)s)")
        add("--run", default="", help="a label: the same calls under another one are new requests")
        add("--rate", type=partial(_positive, float), help="requests per second (no limit)")
        add("--concurrency", type=partial(_positive, int), default=8, help="(%(default)s)")
        add("--wait-for-decisions", action="store_true", help="until every request is closed")

    def handle(self, **options: Any) -> None:
        file: Path = options["file"]
        chosen = Options(
            mapping=_mapping(options["mapping"]),
            run=options["run"],
            rate=options["rate"],
            concurrency=options["concurrency"],
            wait_for_decisions=options["wait_for_decisions"],
        )
        tally = Tally()
        with _lines(file) as lines, self._key(options) as key:
            reader = Reader(lines, chosen, tally)
            progress = Progress(reader, _count_lines(file))
            client = AgentClient(
                options["url"],
                key,
                patience=PATIENCE,
                connections=chosen.concurrency,
                on_outage=lambda words: progress.say(f"no answer ({words}), trying again"),
            )
            stopped = asyncio.run(_replay(reader, client, progress, options["agent"]))
        self.stdout.write(summary(tally))
        if stopped is not None:
            self._say("Stopped. The same command goes on from here and doubles nothing.")
            raise SystemExit(STOPPED_BY[stopped])
        if not tally.is_clean:
            raise SystemExit(1)

    def _say(self, words: str) -> None:
        """Beside the table on standard output; no error, so not in the colour of one."""
        self.stderr.write(words, style_func=str)

    @contextmanager
    def _key(self, options: dict[str, Any]) -> Iterator[str]:
        given = _given_key(options["key_file"])
        if given:
            yield given
            return
        agent = _agent(options["agent"])
        key, secret = create_key(agent)
        self._say(f"Made the key {key.prefix}… of {agent.name} for this replay.")
        try:
            yield secret
        finally:
            revoke_key(key, by=SYSTEM)
            self._say(f"Revoked the key {key.prefix}….")


def _mapping(file: Path) -> Mapping:
    try:
        return read_mapping(file.read_bytes(), name=file.name)
    except OSError as error:
        raise CommandError(f"the mapping cannot be read: {error}") from None
    except MappingError as error:
        raise CommandError(f"the mapping cannot be used: {error}") from None


@contextmanager
def _lines(file: Path) -> Iterator[Iterator[bytes]]:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise CommandError(f"the transcripts cannot be read: {error}") from None
    with stream:
        yield stream


def _count_lines(file: Path) -> int | None:
    """None for a pipe, which can be read only once."""
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        return sum(1 for _ in stream)


def _given_key(file: Path | None) -> str:
    if file is None:
        return os.environ.get(KEY_VARIABLE, "").strip()
    try:
        key = file.read_text().strip()
    except OSError as error:
        raise CommandError(f"the key cannot be read: {error}") from None
    if not key:
        raise CommandError(f"{file} holds no key")
    return key


def _agent(name: str) -> Agent:
    agent = Agent.objects.filter(name=name).first()
    if agent is None:
        known = ", ".join(Agent.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"there is no agent named {name!r} (known: {known})")
    return agent


async def _replay(
    reader: Reader, client: AgentClient, progress: Progress, agent: str
) -> signal.Signals | None:
    """The signal that stopped it, if one did."""
    stopped: list[signal.Signals] = []
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def stop(signum: signal.Signals) -> None:
        stopped.append(signum)
        task.cancel()

    for signum in STOPPED_BY:
        loop.add_signal_handler(signum, stop, signum)
    try:
        async with client:
            await _check_key(client, agent)
            await send_all(reader, client, shown=progress.show)
    except asyncio.CancelledError:
        if not stopped:
            raise
    progress.end()
    return stopped[0] if stopped else None


async def _check_key(client: AgentClient, agent: str) -> None:
    """A key speaks for one agent, and --agent says which one is meant."""
    try:
        name = (await client.me())["name"]
    except (ApiProblem, ConsoleUnreachable) as error:
        raise CommandError(f"the console at {client.url} refuses: {error}") from None
    if name != agent:
        raise CommandError(f"the key belongs to {name!r}, not to {agent!r}")
