"""What approving a request does, and the facts that count for it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from autonomy.policy.facts import ActionTypeFacts, EffectiveFacts, Facts, effective_facts
from autonomy.vocabulary import Domain, FactsFrom

DOMAIN_WORDS = {
    Domain.FINANCIAL: "moves money",
    Domain.PII: "touches personal data",
    Domain.REGULATED: "is regulated",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """The facts that the decision was made from, and what is risky about them, in words."""

    facts: EffectiveFacts
    risks: Sequence[str]


def effect_of(inputs: dict[str, Any], facts_from: FactsFrom, confidence_below: Decimal) -> Effect:
    """From the inputs that were kept with the level decision."""
    facts = effective_facts(
        _stated(inputs["facts"]), _registered(inputs["action_type"]), facts_from=facts_from
    )
    return Effect(facts, _risks(facts, confidence_below))


def _stated(stated: dict[str, Any]) -> Facts:
    return Facts(
        reversible=stated["reversible"],
        domains=frozenset(map(Domain, stated["domains"])),
        cost_usd=_decimal(stated["cost_usd"]),
        confidence=_decimal(stated["confidence"]),
    )


def _registered(registered: dict[str, Any] | None) -> ActionTypeFacts | None:
    if registered is None:
        return None
    return ActionTypeFacts(
        reversible=registered["reversible"],
        domains=frozenset(map(Domain, registered["domains"])),
        cost_usd=_decimal(registered["cost_usd"]),
        side_effects=registered["side_effects"],
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _risks(facts: EffectiveFacts, confidence_below: Decimal) -> list[str]:
    risks = [f"it {DOMAIN_WORDS[domain]}" for domain in sorted(facts.domains)]
    if facts.cost_usd:
        risks.append(f"it costs {facts.cost_usd:,.2f} USD")
    if facts.side_effects and facts.reversible is False:
        risks.append("it cannot be undone")
    elif facts.side_effects and facts.reversible is None:
        risks.append("nobody knows whether it can be undone")
    if facts.confidence is not None and facts.confidence < confidence_below:
        risks.append(f"the agent is only {facts.confidence:.0%} sure")
    return risks
