"""What a policy's rules may look at: who asks what, and when. Unknown parts are None."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from math import inf, nextafter
from typing import Any
from uuid import UUID

from autonomy.policy.facts import ChainLink, EffectiveFacts, Facts, exact_decimal
from autonomy.policy.reading import refuse
from autonomy.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Action:
    type: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskingAgent:
    id: UUID
    team: UUID


@dataclass(frozen=True, slots=True)
class Asked:
    action: Action | None = None
    agent: AskingAgent | None = None
    now: datetime | None = None


UNASKED = Asked()

# The variables of rules, for a request of which everything is known except for arguments.
SAMPLE: Mapping[str, Any] = {
    "action": {"type": "sample", "arguments": {}},
    "facts": {
        "reversible": True,
        "domains": ["financial"],
        "cost_usd": 1.0,
        "confidence": 0.5,
        "recommendation": "PROCEED",
        "requested_level": "SOFT_APPROVAL",
        "failures_24h": 1,
        "side_effects": True,
    },
    "agent": {"id": str(UUID(int=1)), "team": str(UUID(int=2))},
    "delegation": [],
    "now": datetime(2026, 1, 1, tzinfo=UTC),
}


def variables_of(
    asked: Asked, facts: Facts, effective: EffectiveFacts, chain: Sequence[ChainLink]
) -> dict[str, Callable[[], object]]:
    """How to make each variable that is known: those that no rule names need not be made."""
    known: dict[str, Callable[[], object]] = {
        "facts": lambda: _facts(facts, effective),
        "delegation": lambda: [_link(link) for link in chain],
    }
    if (action := asked.action) is not None:
        known["action"] = lambda: {"type": action.type, "arguments": action.arguments}
    if (agent := asked.agent) is not None:
        known["agent"] = lambda: {"id": str(agent.id), "team": str(agent.team)}
    if (now := asked.now) is not None:
        known["now"] = lambda: now
    return known


def read_time(value: object) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        refuse('must be a time with its offset, such as "2026-07-27T21:30:00Z"')
    return time


def _facts(facts: Facts, effective: EffectiveFacts) -> dict[str, object]:
    """The facts that count. CEL has no decimals: amounts and scores become doubles."""
    cost, confidence = effective.cost_usd, effective.confidence
    return {
        "reversible": effective.reversible,
        "domains": sorted(domain.value for domain in effective.domains),
        "cost_usd": None if cost is None else _double_not_below(cost),
        "confidence": None if confidence is None else float(confidence),
        "recommendation": effective.recommendation and effective.recommendation.value,
        "requested_level": _level_name(facts.requested_level),
        "failures_24h": facts.failures_24h,
        "side_effects": effective.side_effects,
    }


def _double_not_below(amount: Decimal) -> float:
    """Exact to 15 digits; an amount of more digits becomes no lower one."""
    nearest = float(amount)
    return nearest if exact_decimal(nearest) >= amount else nextafter(nearest, inf)


def _link(link: ChainLink) -> dict[str, str | None]:
    return {"profile_level": link.profile_level.name, "floor": _level_name(link.floor)}


def _level_name(level: Level | None) -> str | None:
    return None if level is None else level.name
