"""What a peer got, what it was to get, and which answers it holds back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Expectation(Generic[T]):
    matches: Callable[[T], bool]
    words: str
    at_least: int
    at_most: int
    seen: int = 0


class Inbox(Generic[T]):
    """Peers answer in threads of their own. `describe` names a message in a failure."""

    def __init__(self, describe: Callable[[T], str]) -> None:
        self.received: list[T] = []
        self._describe = describe
        self._unexpected: list[T] = []
        self._expectations: list[_Expectation[T]] = []
        self._changed = threading.Condition()
        self._answers_left: int | None = None
        self._may_answer = threading.Event()
        self._may_answer.set()
        self.held = 0

    def expect(
        self, matches: Callable[[T], bool], words: str, *, at_least: int = 1, at_most: int = 1
    ) -> None:
        """A message counts for the first expectation that it matches and that is not full."""
        self._expectations.append(_Expectation(matches, words, at_least, at_most))

    def take(self, message: T) -> bool:
        """Note a message; whether its answer is to be held back (wait with `may_answer`)."""
        with self._changed:
            self.received.append(message)
            self._count(message)
            held = self._answers_left == 0
            if held:
                self.held += 1
            elif self._answers_left is not None:
                self._answers_left -= 1
            self._changed.notify_all()
        return held

    def _count(self, message: T) -> None:
        for one in self._expectations:
            if one.seen < one.at_most and one.matches(message):
                one.seen += 1
                return
        self._unexpected.append(message)

    def hold(self, *, after: int = 0) -> None:
        """Answer that many more messages, and none of those that follow until `release`."""
        with self._changed:
            self._answers_left, self.held = after, 0
            self._may_answer.clear()

    def release(self) -> None:
        with self._changed:
            self._answers_left = None
            self._may_answer.set()

    def may_answer(self, timeout: float) -> bool:
        return self._may_answer.wait(timeout)

    def wait_for(self, count: int, timeout: float) -> list[T]:
        """The messages, once there are that many."""
        return self.wait_until(lambda messages: len(messages) >= count, timeout, str(count))

    def wait_for_held(self, count: int, timeout: float) -> None:
        """Until the senders of that many messages wait for an answer."""
        self.wait_until(lambda _: self.held >= count, timeout, f"{count} held")

    def wait_until(self, done: Callable[[list[T]], bool], timeout: float, wanted: str) -> list[T]:
        with self._changed:
            arrived = self._changed.wait_for(lambda: done(self.received), timeout)
            came = f"{len(self.received)} messages came, {self.held} are held"
            assert arrived, f"{came}, not {wanted} in {timeout:.0f} s"
            return list(self.received)

    def check(self) -> None:
        """Everything expected has come, and nothing else."""
        with self._changed:
            unexpected = [self._describe(one) for one in self._unexpected]
            missing = [
                f"{one.words}: {one.seen} of {one.at_least}"
                for one in self._expectations
                if one.seen < one.at_least
            ]
        assert not unexpected, f"unexpected messages: {unexpected}"
        assert not missing, f"what was expected did not come: {missing}"
