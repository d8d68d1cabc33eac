"""Group commit: submissions that arrive while one group is being stored form the next one.

One group is under way in a process, in a thread of its own. Nobody waits for company: a
submission that finds the thread idle goes at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from hitlconsole.lib.problems import Problem

I = TypeVar("I")  # noqa: E741 - an item
A = TypeVar("A")

MAX_GROUP = 64
# More than can be stored while a caller still waits: the rest is told to come back.
MAX_QUEUE = 2_000
ANSWER_SECONDS = 20.0


class Groups(Generic[I, A]):
    """`store` takes a group and returns an answer for each; an exception of it is everybody's."""

    def __init__(self, store: Callable[[Sequence[I]], Sequence[A]]) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="api-submit")
        self._queue: deque[tuple[I, asyncio.Future[A]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: I) -> A:
        """The answer, after the commit. Raises unavailable, TimeoutError, what `store` raises."""
        if len(self._queue) >= MAX_QUEUE:
            raise Problem("unavailable", "Too many submissions are waiting. Send it again.")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[A] = loop.create_future()
        self._queue.append((item, answer))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        async with asyncio.timeout(ANSWER_SECONDS):
            return await answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            group = self._next_group()
            if not group:
                continue
            try:
                answers = await loop.run_in_executor(
                    self._thread, self._store, [item for item, _ in group]
                )
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                _fail(group, error)
            else:
                _answer(group, answers)

    def _next_group(self) -> list[tuple[I, asyncio.Future[A]]]:
        """Without those whose callers were told that it took too long: they are not stored."""
        group: list[tuple[I, asyncio.Future[A]]] = []
        while self._queue and len(group) < MAX_GROUP:
            item, answer = self._queue.popleft()
            if not answer.done():
                group.append((item, answer))
        return group

    def stop(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _answer(group: Sequence[tuple[I, asyncio.Future[A]]], answers: Sequence[A]) -> None:
    for (_, waiting), answer in zip(group, answers, strict=True):
        if not waiting.done():
            waiting.set_result(answer)


def _fail(group: Sequence[tuple[I, asyncio.Future[A]]], error: Exception) -> None:
    for _, waiting in group:
        if not waiting.done():
            waiting.set_exception(error)
