"""A level decision together with everything it was made from, ready to be kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from autonomy.policy.asked import Asked
from autonomy.policy.decide import LevelDecision, decide_level
from autonomy.policy.document import PolicyDocument
from autonomy.policy.facts import (
    ActionTypeFacts,
    ChainLink,
    EffectiveFacts,
    Facts,
    effective_facts,
)
from autonomy.policy.rules import RuleTerms, apply_rules
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Level, Source


@dataclass(frozen=True, slots=True)
class Policy:
    """A published version with its parsed document."""

    number: int
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class Decided:
    """`quorum`: how many approvals are needed where people are asked."""

    decision: LevelDecision
    rule_terms: RuleTerms
    quorum: int


@dataclass(frozen=True, slots=True)
class Evaluated:
    policy: Policy
    decided: Decided
    inputs: dict[str, Any]

    @property
    def decision(self) -> LevelDecision:
        return self.decided.decision

    @property
    def trace(self) -> list[dict[str, Any]]:
        return [contribution.to_json() for contribution in self.decision.trace]

    @property
    def level(self) -> Level:
        return self.decision.level

    @property
    def effective(self) -> EffectiveFacts:
        return self.decision.effective


def evaluate(
    *,
    facts: Facts,
    registered: ActionTypeFacts | None,
    profile_level: Level,
    policy: Policy,
    asked: Asked,
    registered_quorum: int | None = None,
    obstacles: Sequence[str] = (),
) -> Evaluated:
    """`obstacles`: reasons for which silence cannot consent, whatever the policy says."""
    decided = decide(
        facts=facts,
        action_type=registered,
        profile_level=profile_level,
        policy=policy.document,
        asked=asked,
        registered_quorum=registered_quorum,
        obstacles=obstacles,
    )
    inputs = {
        "facts": _plain(facts),
        "action_type": None if registered is None else _plain(registered),
        "profile_level": profile_level.name,
    }
    return Evaluated(policy, decided, inputs)


def decide(
    *,
    facts: Facts,
    action_type: ActionTypeFacts | None,
    profile_level: Level,
    policy: PolicyDocument,
    asked: Asked,
    chain: Sequence[ChainLink] = (),
    registered_quorum: int | None = None,
    obstacles: Sequence[str] = (),
) -> Decided:
    """The level with the policy's rules; where silence cannot consent, nothing waits for it."""
    effective = effective_facts(facts, action_type, facts_from=policy.facts_from)
    ruled = apply_rules(policy.rules, asked=asked, facts=facts, effective=effective, chain=chain)
    # An action type's own number goes before the policy's; a rule can only ask for more.
    quorum = max(ruled.terms.quorum or 1, registered_quorum or policy.quorum)

    def level_with(*extra: Contribution) -> LevelDecision:
        return decide_level(
            facts=facts,
            action_type=action_type,
            profile_level=profile_level,
            policy=policy,
            chain=chain,
            rules_result=(*ruled.contributions, *extra),
        )

    decision = level_with()
    if decision.level == Level.SOFT_APPROVAL and (reasons := _obstacles(quorum, obstacles)):
        decision = level_with(
            *(Contribution(Source.RULES, Level.HARD_APPROVAL, reason) for reason in reasons)
        )
    return Decided(decision, ruled.terms, quorum)


def _obstacles(quorum: int, others: Sequence[str]) -> list[str]:
    if quorum == 1:
        return list(others)
    return [f"{quorum} approvals are needed, so silence cannot consent", *others]


def _plain(facts: Facts | ActionTypeFacts) -> dict[str, Any]:
    return {field.name: plain_value(getattr(facts, field.name)) for field in fields(facts)}


def plain_value(value: Any) -> Any:
    """The JSON form in which inputs are kept: levels by name, decimals as text."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Level):
        return value.name
    return value if value is None or isinstance(value, bool | int | str) else f"{value:f}"
