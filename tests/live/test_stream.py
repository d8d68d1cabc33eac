"""One stream and its reader, without a network: what a slow reader costs."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from approvals.live.hub import Hub
from approvals.live.stream import MOST_IDS, Bye, Stream
from approvals.live.viewers import Sight, Ticket
from hitlconsole.lib.broadcast import as_message

TEAM, AGENT = str(uuid4()), str(uuid4())


class SlowReader:
    """Takes one piece at a time, when it is let."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.may = asyncio.Semaphore(0)

    async def send(self, message: Any) -> None:
        await self.may.acquire()
        self.taken.append(message)

    async def take(self, number: int) -> None:
        wanted = len(self.taken) + number
        for _ in range(number):
            self.may.release()
        async with asyncio.timeout(5):
            while len(self.taken) < wanted:
                await asyncio.sleep(0.01)

    @property
    def events(self) -> list[tuple[str, Any]]:
        said = b"".join(message.get("body", b"") for message in self.taken).decode()
        blocks = [block.splitlines() for block in said.split("\n\n") if block.startswith("event")]
        return [(name[7:], json.loads(data[6:])) for name, data in blocks]


def make_stream() -> Stream:
    ticket = Ticket(uuid4().hex, uuid4(), "")
    return Stream(ticket, Sight(False, frozenset({TEAM}), frozenset()), hears=True)


def facts(*ids: str, kind: str = "changed", team: str = TEAM) -> str:
    return as_message([(kind, team, AGENT, one) for one in ids], missed=False)


async def test_a_slow_reader_costs_no_more_than_the_ids_of_one_event() -> None:
    stream, reader, hub = make_stream(), SlowReader(), Hub("redis://nowhere")
    hub._streams[stream] = None
    talking = asyncio.create_task(stream.talk(reader.send))
    await reader.take(3)
    for number in range(10_000):
        hub.hear(facts(str(number)))
    held = stream._changed._ids
    assert held is None
    await reader.take(1)
    assert reader.events == [("beat", {"hears": True}), ("change", {"requests": None})]
    stream.reader_gone()
    reader.may.release()
    await talking


async def test_few_ids_are_named_once() -> None:
    stream, reader, hub = make_stream(), SlowReader(), Hub("redis://nowhere")
    hub._streams[stream] = None
    ids = [f"{number:03}" for number in range(MOST_IDS)]
    hub.hear(facts(*ids))
    hub.hear(facts(*ids[:5]))
    hub.hear(facts("theirs", team=str(uuid4())))
    hub.hear(facts("seen", kind="looked"))
    talking = asyncio.create_task(stream.talk(reader.send))
    await reader.take(5)
    assert reader.events == [
        ("change", {"requests": ids}),
        ("look", {"requests": ["seen"]}),
        ("beat", {"hears": True}),
    ]
    stream.end(Bye.SHUTDOWN)
    await reader.take(1)
    await talking
    assert reader.events[-1] == ("bye", {"reason": "shutdown"})
    assert reader.taken[-1]["more_body"] is False


async def test_a_reader_that_takes_nothing_holds_up_no_end() -> None:
    stream, reader = make_stream(), SlowReader()
    talking = asyncio.create_task(stream.talk(reader.send))
    await reader.take(1)
    await asyncio.sleep(0.05)
    stream.end(Bye.SHUTDOWN)
    async with asyncio.timeout(5):
        await talking
    assert ("bye", {"reason": "shutdown"}) not in reader.events


async def test_what_was_missed_concerns_everybody() -> None:
    stream, reader, hub = make_stream(), SlowReader(), Hub("redis://nowhere")
    hub._streams[stream] = None
    hub.hear(as_message([], missed=True))
    talking = asyncio.create_task(stream.talk(reader.send))
    await reader.take(3)
    assert reader.events == [("change", {"requests": None})]
    stream.reader_gone()
    reader.may.release()
    await talking
