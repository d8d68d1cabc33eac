"""What is known about an action, and which of it counts."""

from dataclasses import dataclass
from decimal import Decimal

from autonomy.vocabulary import Domain, FactsFrom, Level, Recommendation


def exact_decimal(value: int | float | str | Decimal) -> Decimal:
    """The decimal that was written down: 0.85 is 0.85, not the nearest double below it."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _check_number(
    name: str, value: Decimal | None, *, low: Decimal, high: Decimal | None = None
) -> None:
    if value is None:
        return
    if not isinstance(value, Decimal):
        raise TypeError(f"{name} must be a Decimal, not {type(value).__name__}")
    if not value.is_finite() or value < low or (high is not None and value > high):
        raise ValueError(f"{name} {value} is out of range")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the agent states, and its failures over all its action types within the window.

    None is unknown. Numbers are Decimals (`exact_decimal`): a double compared with a Decimal
    would miss the exact boundaries. Raises TypeError or ValueError for any other number.
    """

    reversible: bool | None = None
    domains: frozenset[Domain] = frozenset()
    cost_usd: Decimal | None = None
    confidence: Decimal | None = None
    recommendation: Recommendation | None = None
    requested_level: Level | None = None
    failures_24h: int = 0

    def __post_init__(self) -> None:
        _check_number("cost_usd", self.cost_usd, low=Decimal(0))
        _check_number("confidence", self.confidence, low=Decimal(0), high=Decimal(1))


@dataclass(frozen=True, slots=True)
class ActionTypeFacts:
    """What an admin registered for the action type. None is not registered."""

    reversible: bool | None = None
    domains: frozenset[Domain] = frozenset()
    cost_usd: Decimal | None = None
    floor: Level | None = None
    side_effects: bool | None = None

    def __post_init__(self) -> None:
        _check_number("cost_usd", self.cost_usd, low=Decimal(0))


@dataclass(frozen=True, slots=True)
class ChainLink:
    """An agent further up a delegation: its own profile level here, and the floor of its grant."""

    profile_level: Level
    floor: Level | None = None


@dataclass(frozen=True, slots=True)
class EffectiveFacts:
    """The facts that count: the strictest of what the agent and the registration state."""

    reversible: bool | None
    domains: frozenset[Domain]
    cost_usd: Decimal | None
    confidence: Decimal | None
    recommendation: Recommendation | None
    side_effects: bool


NOTHING_REGISTERED = ActionTypeFacts()


def effective_facts(
    facts: Facts, action_type: ActionTypeFacts | None, *, facts_from: FactsFrom
) -> EffectiveFacts:
    """Neither side can loosen what the other states: False beats True, domains unite, costs max.

    Under `registered_only` an agent's "reversible" without registration is unknown. Its cost
    counts even then: an amount belongs to the single action, and the higher one counts anyway.
    """
    registered = action_type or NOTHING_REGISTERED
    return EffectiveFacts(
        reversible=_effective_reversible(facts.reversible, registered.reversible, facts_from),
        domains=facts.domains | registered.domains,
        cost_usd=_higher(facts.cost_usd, registered.cost_usd),
        confidence=facts.confidence,
        recommendation=facts.recommendation,
        side_effects=registered.side_effects is not False,
    )


def _effective_reversible(
    stated: bool | None, registered: bool | None, facts_from: FactsFrom
) -> bool | None:
    if stated is False or registered is False:
        return False
    if stated and registered is None and facts_from is FactsFrom.REGISTERED_ONLY:
        return None
    return stated or registered


def _higher(stated: Decimal | None, registered: Decimal | None) -> Decimal | None:
    if stated is None or registered is None:
        return registered if stated is None else stated
    return max(stated, registered)
