"""One simulated agent: it asks, waits, and does what the answer allows. HTTP only."""

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from approvals.agent_client import AgentClient, ApiProblem, Json
from approvals.vocabulary import OPEN
from hitlconsole.demo.fleet.desk import Desk
from hitlconsole.demo.fleet.log import Log
from hitlconsole.demo.fleet.steps import Attempt, Step, attempt, next_step, state_words
from hitlconsole.demo.scenes.scene import Scene, Withdrawal
from hitlconsole.demo.scenes.scripts import Script, draw, make_scene

WAIT_SECONDS = 30
THINKING = 4.0
RELEASE_POLL = 10.0
REST = (60.0, 120.0)
FIRST_REST = (10.0, 60.0)
OPEN_CASES = 4


@dataclass(frozen=True, slots=True)
class Case:
    """A scene as it is played once. `seed` makes it anew in another process."""

    name: str
    seed: int
    scene: Scene
    attempt: Attempt

    @property
    def resume_state(self) -> Json:
        return {"scene": self.name, "seed": self.seed, "attempt": self.attempt.number}


def case_of(name: str, seed: int, number: int = 1) -> Case:
    scene = make_scene(name, seed)
    return Case(name, seed, scene, attempt(scene, number))


def resumed_case(state: object) -> Case | None:
    """The case behind a request that a former process of the agent asked."""
    if not isinstance(state, dict) or state.keys() != {"scene", "seed", "attempt"}:
        return None
    return case_of(state["scene"], state["seed"], state["attempt"])


@dataclass(slots=True)
class Agent:
    """`run` keeps the idempotency keys of one process apart from those of another."""

    name: str
    script: Script
    client: AgentClient
    desk: Desk
    log: Log
    rng: Random
    pace: float
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    writable: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OPEN_CASES))

    async def play(self) -> None:
        """Former open cases, the opening, then the routine for ever."""
        self.writable.set()
        async with self.group:
            resumed = await self._resume()
            for after, name in self.script.opening:
                if name not in resumed:
                    self._begin(self._open(after, name))
            await self._sleep(max(after for after, _ in self.script.opening))
            await self._sleep(self.rng.uniform(*FIRST_REST))
            while True:
                await self._next_of_routine()
                await self._sleep(self.rng.uniform(*REST))

    def _begin(self, part: Coroutine[Any, Any, None]) -> None:
        self.group.create_task(self._guarded(part))

    async def _guarded(self, part: Coroutine[Any, Any, None]) -> None:
        """A refusal ends this part of the play and leaves the others alone."""
        try:
            await part
        except ApiProblem as problem:
            self.log.say(problem.words)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.pace)

    async def _resume(self) -> set[str]:
        """Goes on with what was asked before; the names of those scenes."""
        names = set()
        for status in OPEN:
            for request in await self._listed(status):
                case = resumed_case(request["resume_state"])
                if case is not None:
                    names.add(case.name)
                    self.log.say(f"{_subject(case)} goes on → {state_words(request)}")
                    self._begin(self._follow(case, request))
        return names

    async def _listed(self, status: str) -> list[Json]:
        try:
            return await self.client.list(status=status)
        except ApiProblem as problem:
            self.log.say(f"its own requests: {problem.words}")
            return []

    async def _open(self, after: float, name: str) -> None:
        await self._sleep(after)
        await self._ask(self._new_case(name))

    async def _next_of_routine(self) -> None:
        """Only while there is room: with so many questions open, nothing new is asked."""
        await self.room.acquire()
        name = draw(self.script, self.rng, read_only=not self.writable.is_set())
        if name is None:
            self.room.release()
        else:
            self._begin(self._in_room(self._new_case(name)))

    async def _in_room(self, case: Case) -> None:
        try:
            await self._ask(case)
        finally:
            self.room.release()

    def _new_case(self, name: str) -> Case:
        return case_of(name, self.rng.getrandbits(32))

    async def _ask(self, case: Case, *, previous: str | None = None) -> None:
        body = case.attempt.ask.body(datetime.now(UTC))
        body |= {"resume_state": case.resume_state, "previous": previous}
        key = f"{self.run}/{case.name}/{case.seed}/{case.attempt.number}"
        request = await self._submitted(body, key)
        self.log.say(f"{_subject(case)} → {state_words(request)}")
        scene = case.scene
        if _is_open(request) and scene.desk is not None and case.attempt.number == 1:
            self._begin(self.desk.play(scene.desk, request))
        if _is_open(request) and scene.withdrawal is not None:
            self._begin(self._withdraw(scene.withdrawal, request["id"]))
        await self._follow(case, request)

    async def _submitted(self, body: Json, key: str) -> Json:
        """Asks; a read-only agent waits for its release and asks the same again."""
        while True:
            try:
                return (await self.client.submit(body, idempotency_key=key)).body
            except ApiProblem as problem:
                await self._released_or_raise(problem)

    async def _released_or_raise(self, problem: ApiProblem) -> None:
        if problem.code != "agent_read_only":
            raise problem
        if not self.writable.is_set():
            await self.writable.wait()
            return
        self.writable.clear()
        self.log.say("is read-only: a person has taken over; waits until it is released")
        try:
            while (await self.client.me())["status"] == "read_only":
                await self._sleep(RELEASE_POLL)
        finally:
            self.writable.set()
        self.log.say("was released and goes on")

    async def _follow(self, case: Case, request: Json) -> None:
        """Until the case ends: each change of the request is said once."""
        answered = 0
        while True:
            step = next_step(request, case.scene, case.attempt.number, answered=answered)
            if step is Step.WAIT:
                request = await self._changed(case, request)
            elif step is Step.ANSWER:
                answered = request["revision"]
                request = await self._answer(case, request)
            else:
                break
        if step is Step.EXECUTE:
            await self._execute(case, request)
        elif step is Step.ASK_AGAIN:
            await self._sleep(THINKING)
            await self._ask(case_of(case.name, case.seed, 2), previous=request["id"])

    async def _changed(self, case: Case, request: Json) -> Json:
        known = request["revision"]
        while request["revision"] == known and _is_open(request):
            request = await self.client.get(request["id"], wait=WAIT_SECONDS, revision=known)
        self.log.say(f"{_subject(case)} → {state_words(request)}")
        return request

    async def _answer(self, case: Case, request: Json) -> Json:
        await self._sleep(THINKING)
        key = f"{self.run}/{case.seed}/{request['revision']}"
        text = case.scene.answer
        answer = await self.client.send_message(request["id"], text=text, idempotency_key=key)
        self.log.say(f"{_subject(case)} answers: {text}")
        changed: Json = answer["request"]
        return changed

    async def _withdraw(self, withdrawal: Withdrawal, request_id: str) -> None:
        """Somebody may have decided before: then there is nothing to withdraw."""
        await self._sleep(withdrawal.after)
        try:
            await self.client.cancel(request_id, reason=withdrawal.reason)
        except ApiProblem as problem:
            if problem.code != "already_closed":
                raise

    async def _execute(self, case: Case, request: Json) -> None:
        """Claims the one execution, does the action as it was approved, reports."""
        claimed = await self._claimed(request["id"])
        if claimed is None:
            return
        await self._sleep(case.scene.outcome.seconds)
        outcome = case.scene.outcome
        done = {"action": claimed["action"]["type"]} | outcome.details
        await self.client.report(request["id"], result=outcome.result, details=done)
        self.log.say(f"{_subject(case)} done → {outcome.result}")

    async def _claimed(self, request_id: str) -> Json | None:
        """None where the approval is gone: an approval does not last for ever."""
        while True:
            try:
                return await self.client.claim(request_id, claim_id=f"{self.name}-{self.run}")
            except ApiProblem as problem:
                if problem.code in ("approval_lapsed", "approval_revoked", "already_executed"):
                    self.log.say(f"not executed, {problem.words}")
                    return None
                await self._released_or_raise(problem)


def _is_open(request: Json) -> bool:
    return request["status"] in OPEN


def _subject(case: Case) -> str:
    return f"{case.attempt.ask.action_type} {case.attempt.ask.label}"
