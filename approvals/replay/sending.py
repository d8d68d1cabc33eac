"""Sending recorded tool calls to the console, at a chosen rate and a few at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field

from approvals.agent_client import AgentClient, ApiProblem, ConsoleUnreachable, Json
from approvals.replay.asking import Asked, questions, unmapped_tools
from approvals.replay.mapping import Mapping, TakeoverMode, ToolKind
from approvals.replay.summary import Tally
from approvals.replay.transcript import Episode, TranscriptError, read_episode
from approvals.vocabulary import OPEN

WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Options:
    mapping: Mapping
    run: str = ""
    rate: float | None = None
    concurrency: int = 8
    wait_for_decisions: bool = False


@dataclass(slots=True)
class Reader:
    """The questions of a file, line by line; what cannot be used goes to the tally."""

    lines: Iterable[bytes]
    options: Options
    tally: Tally
    line_number: int = 0
    _lines_by_name: dict[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Asked]:
        for line in self.lines:
            self.line_number += 1
            if not line.strip():
                continue
            try:
                episode = self._episode(line)
            except TranscriptError as error:
                self.tally.bad_lines.append((self.line_number, str(error)))
            else:
                yield from self._questions(episode)

    def _episode(self, line: bytes) -> Episode:
        episode = read_episode(line, line_number=self.line_number)
        former = self._lines_by_name.setdefault(episode.name, self.line_number)
        if former != self.line_number:
            # Two episodes of one name would share their idempotency keys.
            raise TranscriptError(f"the episode {episode.name!r} is on line {former} already")
        if unmapped := unmapped_tools(episode, self.options.mapping):
            raise TranscriptError(f"not in the mapping: {', '.join(unmapped)}")
        return episode

    def _questions(self, episode: Episode) -> Iterator[Asked]:
        mapping, tally = self.options.mapping, self.tally
        kinds = [mapping.tools[call.tool].kind for call in episode.calls]
        tally.episodes += 1
        tally.tool_calls += len(kinds)
        tally.consequential += kinds.count(ToolKind.CONSEQUENTIAL)
        takeovers = kinds.count(ToolKind.TAKEOVER)
        if mapping.takeover is TakeoverMode.SKIP:
            tally.takeovers_skipped += takeovers
        yield from questions(episode, mapping, run=self.options.run)


async def send_all(reader: Reader, client: AgentClient, *, shown: Callable[[], None]) -> None:
    """Sends every question once. `shown` is called after each answer.

    When it is cancelled, the tally holds what was answered until then.
    """
    options, tally, began = reader.options, reader.tally, _now()
    asking = _paced(iter(reader), options.rate)
    lock = asyncio.Lock()

    async def work() -> None:
        while (asked := await _next(asking, lock)) is not None:
            await _send(asked, client, options, tally)
            tally.elapsed = _now() - began
            shown()

    async with asyncio.TaskGroup() as group:
        for _ in range(options.concurrency):
            group.create_task(work())


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _paced(asking: Iterator[Asked], rate: float | None) -> AsyncIterator[Asked]:
    """One each 1/rate seconds, counted from the start: a slow answer is caught up with."""
    began = _now()
    for number, asked in enumerate(asking):
        if rate is not None:
            await asyncio.sleep(max(0.0, began + number / rate - _now()))
        yield asked


async def _next(asking: AsyncIterator[Asked], lock: asyncio.Lock) -> Asked | None:
    async with lock:
        return await anext(asking, None)


async def _send(asked: Asked, client: AgentClient, options: Options, tally: Tally) -> None:
    try:
        request = await _submit(asked, client, tally)
        if options.wait_for_decisions:
            began = _now()
            request = await _closed(request, client)
            tally.deciding.append(_now() - began)
    except ApiProblem as problem:
        tally.problems[problem.words] += 1
    except ConsoleUnreachable as error:
        tally.problems[f"no answer: {error}"] += 1
    else:
        tally.answers[request["level"], request["status"]] += 1


async def _submit(asked: Asked, client: AgentClient, tally: Tally) -> Json:
    began = _now()
    answer = await client.submit(asked.body, idempotency_key=asked.idempotency_key)
    tally.submitting.append(_now() - began)
    tally.replayed += answer.replayed
    return answer.body


async def _closed(request: Json, client: AgentClient) -> Json:
    """The request as it closed; waits as long as that takes."""
    while request["status"] in OPEN:
        request = await client.get(request["id"], wait=WAIT_SECONDS, revision=request["revision"])
    return request
