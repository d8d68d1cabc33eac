"""Reads streams as a page does, in a thread of its own."""

import json
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 20.0


@dataclass(frozen=True)
class Event:
    name: str
    data: dict[str, Any]
    at: float


@dataclass
class Reader:
    """`wait_for` takes events in their order and passes over those of other names."""

    http: httpx.Client
    events: "queue.Queue[Event | None]" = field(default_factory=queue.Queue)
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._opened = threading.Event()
        self.status = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self._opened.wait(PATIENCE), "no answer to the question for a stream"
        assert self.status == 200, self.status

    def _read(self) -> None:
        try:
            with self.http.stream("GET", "/live/", timeout=30) as answer:
                self.status = answer.status_code
                self.headers = dict(answer.headers)
                self._opened.set()
                self._take(answer)
        except httpx.TransportError:
            pass
        self.events.put(None)

    def _take(self, answer: httpx.Response) -> None:
        name = ""
        for line in answer.iter_lines():
            field_name, _, value = line.partition(": ")
            if field_name == "event":
                name = value
            elif field_name == "data":
                self.events.put(Event(name, json.loads(value), time.monotonic()))

    def wait_for(self, name: str, timeout: float = PATIENCE) -> Event:
        end = time.monotonic() + timeout
        while True:
            event = self.events.get(timeout=max(0.01, end - time.monotonic()))
            assert event is not None, f"the stream ended before {name}"
            if event.name == name:
                return event

    def wait_for_end(self, timeout: float = PATIENCE) -> str | None:
        """Why it ended; None where no word was said."""
        reason, end = None, time.monotonic() + timeout
        while (event := self.events.get(timeout=max(0.01, end - time.monotonic()))) is not None:
            if event.name == "bye":
                reason = event.data["reason"]
        return reason

    def heard(self, name: str, within: float) -> list[Event]:
        """Everything of that name in so many seconds from now on."""
        end, found = time.monotonic() + within, []
        while (left := end - time.monotonic()) > 0:
            try:
                event = self.events.get(timeout=left)
            except queue.Empty:
                break
            assert event is not None, "the stream ended"
            found += [event] if event.name == name else []
        return found

    def listening(self) -> "Reader":
        """Once the process hears of changes, and what was missed before is told."""
        while not self.wait_for("beat").data["hears"]:
            pass
        self.heard("change", 0.4)
        return self
