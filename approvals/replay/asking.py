"""The request that a recorded tool call becomes. Pure.

Whatever is left out or shortened to fit the API's limits is counted in the request's context.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

from approvals.replay.mapping import CostSource, Mapping, TakeoverMode, Tool, ToolKind
from approvals.replay.paths import fill, select
from approvals.replay.transcript import Call, Episode
from autonomy.policy.facts import exact_decimal
from autonomy.vocabulary import Level
from hitlconsole.lib.canonical import canonical_bytes
from hitlconsole.lib.strictjson import StrictJSONError, loads

MAX_HISTORY = 30
MAX_RESULT = 2000
MAX_STEP = 500
MAX_TASK = 2000
MAX_DESCRIPTION = 2000
MAX_KEY = 255
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to be sent: its body and the key by which a repeat is recognised."""

    episode: str
    place: str
    idempotency_key: str
    body: dict[str, Any]


def questions(episode: Episode, mapping: Mapping, *, run: str = "") -> Iterator[Asked]:
    """What of an episode goes to the console, in order."""
    sent = {ToolKind.CONSEQUENTIAL}
    if mapping.takeover is TakeoverMode.REQUEST:
        sent.add(ToolKind.TAKEOVER)
    for number, call in enumerate(episode.calls):
        tool = mapping.tools[call.tool]
        if tool.kind in sent:
            body = request_body(episode, number, tool, run=run)
            yield Asked(episode.name, call.place, idempotency_key(episode, call, run), body)


def unmapped_tools(episode: Episode, mapping: Mapping) -> list[str]:
    return sorted({call.tool for call in episode.calls} - mapping.tools.keys())


def idempotency_key(episode: Episode, call: Call, run: str) -> str:
    """Stable for the place of the call: in recordings a call's id alone is not unique."""
    parts = ("replay", *((run,) if run else ()), episode.name, call.place, call.id)
    key = "/".join(parts)
    if len(key) <= MAX_KEY and key.isascii() and key.isprintable():
        return key
    return f"replay/{hashlib.sha256(canonical_bytes(list(parts))).hexdigest()}"


def request_body(episode: Episode, number: int, tool: Tool, *, run: str = "") -> dict[str, Any]:
    """The body for the episode's call of this number."""
    call, earlier = episode.calls[number], episode.calls[:number]
    body: dict[str, Any] = {
        "action": {"type": tool.action_type, "arguments": call.arguments},
        "description": shorten(_description(call, tool), MAX_DESCRIPTION),
        "risk": _risk(call, earlier, tool),
        "context": _context(episode, earlier),
        "metadata": _metadata(episode, call, run),
    }
    if tool.kind is ToolKind.TAKEOVER:
        body["requested_level"] = Level.HUMAN_TAKEOVER.name
    return body


def _description(call: Call, tool: Tool) -> str:
    return fill(tool.description, call.arguments) if tool.description else f"Run {call.tool}"


def _metadata(episode: Episode, call: Call, run: str) -> dict[str, Any]:
    metadata = {"episode": episode.name, "tool": call.tool, "place": call.place}
    return metadata | ({"tool_call_id": call.id} if call.id else {}) | ({"run": run} if run else {})


def _risk(call: Call, earlier: Sequence[Call], tool: Tool) -> dict[str, Any]:
    risk: dict[str, Any] = {"domains": [domain.value for domain in tool.domains]}
    if tool.reversible is not None:
        risk["reversible"] = tool.reversible
    cost = find_cost(call, earlier, tool.cost) if tool.cost else None
    if cost is not None:
        risk["cost_usd"] = f"{cost:f}"
    return risk


def find_cost(call: Call, earlier: Sequence[Call], source: CostSource) -> Decimal | None:
    """In whole cents, rounded up. None where it is not to be found: unknown, which is stricter."""
    if source.fixed is not None:
        return source.fixed.quantize(CENT, ROUND_UP)
    if source.arguments:
        return _sum(select(call.arguments, source.arguments))
    wanted = select(call.arguments, source.same)
    for former in reversed(earlier):
        result = _json_result(former) if former.tool == source.result_of else None
        if wanted and select(result, source.same) == wanted:
            return _sum(select(result, source.path))
    return None


def _sum(amounts: list[Any]) -> Decimal | None:
    numbers = [a for a in amounts if isinstance(a, int | float) and not isinstance(a, bool)]
    if not numbers or len(numbers) != len(amounts):
        return None
    total = sum((exact_decimal(number) for number in numbers), Decimal(0))
    return total.quantize(CENT, ROUND_UP) if total >= 0 else None


def _json_result(call: Call) -> Any:
    """The result as a value; None where the tool answered in words."""
    try:
        return loads((call.result or "").encode("utf-8", "surrogatepass"))
    except StrictJSONError:
        return None


def _context(episode: Episode, earlier: Sequence[Call]) -> dict[str, Any]:
    shown = earlier[-MAX_HISTORY:]
    history = [_step(call) for call in shown]
    state: dict[str, Any] = {
        "tool_calls_before": len(earlier),
        "tool_calls_left_out": len(earlier) - len(shown),
        "texts_shortened": sum(map(_is_shortened, shown)) + (len(episode.task) > MAX_TASK),
    }
    return {"task": shorten(episode.task, MAX_TASK), "history": history, "state": state}


def _step(call: Call) -> dict[str, str]:
    result = "(no result recorded)" if call.result is None else call.result
    return {"action": shorten(_call_text(call), MAX_STEP), "result": shorten(result, MAX_RESULT)}


def _call_text(call: Call) -> str:
    return f"{call.tool} {canonical_bytes(call.arguments).decode()}"


def _is_shortened(call: Call) -> bool:
    return len(_call_text(call)) > MAX_STEP or len(call.result or "") > MAX_RESULT


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters; a shortened text ends by saying how much there was."""
    if len(text) <= limit:
        return text
    mark = f" … [of {len(text):,} characters]"
    return text[: limit - len(mark)] + mark
