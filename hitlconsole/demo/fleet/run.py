"""The whole fleet in one process: it ends within a moment when it is told to."""

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random

from approvals.agent_client import AgentClient
from hitlconsole.demo.fleet.agent import Agent
from hitlconsole.demo.fleet.desk import Desk
from hitlconsole.demo.fleet.log import Log, Write
from hitlconsole.demo.keys import DemoKeys
from hitlconsole.demo.scenes.scripts import SCRIPTS

CONNECTIONS = 24
QUIET_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the fleet plays, how fast, and for how long (None: until it is stopped)."""

    url: str
    keys: DemoKeys
    write: Write
    seed: int
    pace: float = 1.0
    duration: float | None = None


async def play(stage: Stage) -> None:
    """Returns after the duration, or at SIGTERM and SIGINT."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    stopped: list[int] = []

    def stop(signum: int) -> None:
        stopped.append(signum)
        task.cancel()

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop, signum)
    try:
        async with asyncio.timeout(stage.duration), AsyncExitStack() as clients:
            await _play_together(stage, clients)
    except TimeoutError:
        return
    except asyncio.CancelledError:
        if not stopped:
            raise


async def _play_together(stage: Stage, clients: AsyncExitStack) -> None:
    log, outage = Log(stage.write), Outage(Log(stage.write, "everybody"))
    agents = []

    async def client(key: str) -> AgentClient:
        made = AgentClient(stage.url, key, connections=CONNECTIONS, on_outage=outage.say)
        return await clients.enter_async_context(made)

    desk = Desk(await client(stage.keys.desk), log.of("desk"), stage.pace)
    for name, script in SCRIPTS.items():
        rng = Random(f"{stage.seed}/{name}")  # noqa: S311 - a play, not a secret
        own = await client(stage.keys.agents[name])
        agents.append(Agent(name, script, own, desk, log.of(name), rng, stage.pace))
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(agent.play())


@dataclass(slots=True)
class Outage:
    """An outage meets every waiting agent at once: it is said once."""

    log: Log
    said_at: float = -QUIET_SECONDS

    def say(self, words: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self.said_at >= QUIET_SECONDS:
            self.said_at = now
            self.log.say(f"has no answer from the console and tries again ({words})")
