"""What the tools of a transcript mean as actions: read from a TOML or JSON file. Pure.

[tools.NAME]
consequential = false            # only reads or thinks: part of the history, never sent
takeover = true                  # hands over to a person (top level: takeover = "skip"/"request")
action_type = "reservation.book" # the tool's own name if left out
description = "Book for {user_id}: {flights[].flight_number}"
reversible = false               # left out: unknown
domains = ["financial"]
cost_usd = "0"                   # a fixed amount, or where it is to be found:
cost_usd = { arguments = "payment_methods[].amount" }
cost_usd = { result_of = "get_reservation", same = "reservation_id", path = "payments[].amount" }
"""

import json
import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from approvals.replay.paths import is_path, places
from autonomy.vocabulary import Domain


class MappingError(ValueError):
    """A mapping file that cannot be used; the message names the place."""


class TakeoverMode(StrEnum):
    """A hand-over to people: count it and go on, or ask for it, which stops the agent."""

    SKIP = "skip"
    REQUEST = "request"


class ToolKind(StrEnum):
    HARMLESS = "harmless"
    CONSEQUENTIAL = "consequential"
    TAKEOVER = "takeover"


@dataclass(frozen=True, slots=True)
class CostSource:
    """Exactly one of the three: a fixed amount, the arguments, or an earlier tool's result.

    `same` names the member that ties the result to the call: equal in arguments and result.
    """

    fixed: Decimal | None = None
    arguments: str = ""
    result_of: str = ""
    same: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    kind: ToolKind
    action_type: str
    description: str = ""
    reversible: bool | None = None
    domains: tuple[Domain, ...] = ()
    cost: CostSource | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    takeover: TakeoverMode
    tools: MappingOf[str, Tool]


_TOOL_MEMBERS = {
    "consequential",
    "takeover",
    "action_type",
    "description",
    "reversible",
    "domains",
    "cost_usd",
}


def read_mapping(raw: bytes, *, name: str) -> Mapping:
    """The mapping of a file called `name` (.json, otherwise TOML). Raises MappingError."""
    try:
        text = raw.decode()
        stored = json.loads(text) if name.endswith(".json") else tomllib.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingError(f"{name}: {error}") from None
    try:
        return _mapping(stored)
    except MappingError as error:
        raise MappingError(f"{name}: {error}") from None


def _mapping(stored: Any) -> Mapping:
    _expect(isinstance(stored, dict), "expected a table at the top")
    _refuse_unknown(stored, {"takeover", "tools"}, "the file")
    mode = stored.get("takeover", TakeoverMode.SKIP.value)
    _expect(mode in list(TakeoverMode), 'takeover must be "skip" or "request"')
    tools = stored.get("tools")
    _expect(isinstance(tools, dict) and bool(tools), "[tools.NAME] tables are missing")
    return Mapping(TakeoverMode(mode), {name: _tool(name, tool) for name, tool in tools.items()})


def _tool(name: str, stored: Any) -> Tool:
    where = f"tools.{name}"
    _expect(isinstance(stored, dict), f"{where} must be a table")
    _refuse_unknown(stored, _TOOL_MEMBERS, where)
    reversible = stored.get("reversible")
    _expect(
        reversible is None or isinstance(reversible, bool), f"{where}.reversible: true or false"
    )
    return Tool(
        kind=_kind(stored, where),
        action_type=_text(stored, "action_type", where) or name,
        description=_template(stored, where),
        reversible=reversible,
        domains=_domains(stored, where),
        cost=_cost(stored.get("cost_usd"), f"{where}.cost_usd"),
    )


def _kind(stored: dict[str, Any], where: str) -> ToolKind:
    consequential, takeover = stored.get("consequential", True), stored.get("takeover", False)
    _expect(isinstance(consequential, bool), f"{where}.consequential: true or false")
    _expect(isinstance(takeover, bool), f"{where}.takeover: true or false")
    if takeover:
        return ToolKind.TAKEOVER
    return ToolKind.CONSEQUENTIAL if consequential else ToolKind.HARMLESS


def _text(stored: dict[str, Any], member: str, where: str) -> str:
    text = stored.get(member, "")
    _expect(isinstance(text, str), f"{where}.{member} must be a text")
    return str(text)


def _template(stored: dict[str, Any], where: str) -> str:
    template = _text(stored, "description", where)
    for path in places(template):
        _expect(is_path(path), f"{where}.description: {{{path}}} is no path into the arguments")
    return template


def _domains(stored: dict[str, Any], where: str) -> tuple[Domain, ...]:
    domains = stored.get("domains", [])
    known = ", ".join(Domain)
    _expect(isinstance(domains, list), f"{where}.domains must be a list")
    _expect(all(d in list(Domain) for d in domains), f"{where}.domains: only {known} are known")
    return tuple(Domain(domain) for domain in domains)


def _cost(stored: Any, where: str) -> CostSource | None:
    if stored is None:
        return None
    if isinstance(stored, str | int):
        return CostSource(fixed=_amount(stored, where))
    _expect(isinstance(stored, dict), f"{where} must be an amount or a table")
    _expect(
        set(stored) in ({"arguments"}, {"result_of", "same", "path"}),
        f"{where} takes either arguments, or result_of with same and path",
    )
    for member in stored.keys() - {"result_of"}:
        usable = isinstance(stored[member], str) and is_path(stored[member])
        _expect(usable, f"{where}.{member}: {stored[member]!r} is no path")
    _expect(isinstance(stored.get("result_of", ""), str), f"{where}.result_of must be a text")
    return CostSource(**stored)


def _amount(stored: str | int, where: str) -> Decimal:
    try:
        amount = Decimal(stored)
    except InvalidOperation:
        raise MappingError(f"{where}: {stored!r} is no amount") from None
    _expect(amount.is_finite() and amount >= 0, f"{where} must be 0 or more")
    return amount


def _refuse_unknown(stored: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(stored.keys() - known)
    _expect(not unknown, f"{where} has unknown members: {', '.join(unknown)}")


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise MappingError(message)
