"""Transcripts in the OpenAI chat format, one episode a line. Pure.

{"episode": "...", "messages": [{"role", "content", "tool_calls"?: [{"id", "function": {"name",
"arguments": "<JSON>"}}], "tool_call_id"?}]}; other members are left alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hitlconsole.lib.strictjson import StrictJSONError, loads

MAX_LINE_BYTES = 64 * 1024 * 1024


class TranscriptError(ValueError):
    """A line that cannot be replayed; the message says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. Its place in the episode tells it apart: recordings repeat call ids."""

    message: int
    index: int
    id: str
    tool: str
    arguments: dict[str, Any]
    result: str | None = None

    @property
    def place(self) -> str:
        return f"{self.message}.{self.index}"


@dataclass(frozen=True, slots=True)
class Episode:
    name: str
    task: str
    calls: tuple[Call, ...]


@dataclass(slots=True)
class _Reading:
    """Calls so far, and those of them that still wait for their result, by call id."""

    calls: list[Call] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)


def read_episode(line: bytes, *, line_number: int) -> Episode:
    """Raises TranscriptError. An episode without a name is called after its line."""
    try:
        # Recordings are long; only what is sent has to keep to the limits of a request.
        stored = loads(line, max_bytes=MAX_LINE_BYTES)
    except StrictJSONError as error:
        raise TranscriptError(_words(error)) from None
    if not isinstance(stored, dict) or not isinstance(stored.get("messages"), list):
        raise TranscriptError('expected an object with a list "messages"')
    name = stored.get("episode", f"line-{line_number}")
    if not isinstance(name, str) or not name:
        raise TranscriptError('"episode" must be a text')
    return Episode(name, _task(stored["messages"]), tuple(_calls(stored["messages"])))


def _words(error: StrictJSONError) -> str:
    return str(error) if error.loc else error.msg


def _task(messages: list[Any]) -> str:
    """What the user wanted: the first thing they said."""
    said = (m.get("content") for m in messages if isinstance(m, dict) and m.get("role") == "user")
    return next((text for text in said if isinstance(text, str) and text.strip()), "")


def _calls(messages: list[Any]) -> list[Call]:
    reading = _Reading()
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            raise TranscriptError(f"message {number} is no object")
        if message.get("role") == "tool":
            _take_result(reading, message)
        for call in _calls_of(message, number):
            reading.waiting[call.id] = len(reading.calls)
            reading.calls.append(call)
    return reading.calls


def _calls_of(message: dict[str, Any], number: int) -> Iterator[Call]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise TranscriptError(f'"tool_calls" of message {number} is no list')
    for index, stored in enumerate(calls):
        where = f"tool call {number}.{index}"
        function = stored.get("function") if isinstance(stored, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise TranscriptError(f"{where} names no function")
        arguments = _arguments(function.get("arguments"), where)
        yield Call(number, index, str(stored.get("id") or ""), function["name"], arguments)


def _arguments(stored: object, where: str) -> dict[str, Any]:
    """The API of the format carries them as JSON in a string; some recorders unpack them."""
    if isinstance(stored, str):
        try:
            stored = loads(stored.encode("utf-8", "surrogatepass"), max_bytes=MAX_LINE_BYTES)
        except StrictJSONError as error:
            raise TranscriptError(
                f"the arguments of {where} are unusable: {_words(error)}"
            ) from None
    if not isinstance(stored, dict):
        raise TranscriptError(f"the arguments of {where} are no object")
    return stored


def _take_result(reading: _Reading, message: dict[str, Any]) -> None:
    """A result belongs to the latest call with its id that has none yet."""
    at = reading.waiting.pop(str(message.get("tool_call_id") or ""), None)
    if at is None:
        return
    content = message.get("content")
    result = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    call = reading.calls[at]
    reading.calls[at] = Call(call.message, call.index, call.id, call.tool, call.arguments, result)
