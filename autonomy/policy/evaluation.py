"""A level decision together with everything it was made from, ready to be kept. Pure."""

from dataclasses import dataclass, fields
from typing import Any

from autonomy.policy.decide import LevelDecision, decide_level
from autonomy.policy.document import PolicyDocument
from autonomy.policy.facts import ActionTypeFacts, EffectiveFacts, Facts
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Policy:
    """A published version with its parsed document."""

    number: int
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class Evaluated:
    policy: Policy
    decision: LevelDecision
    inputs: dict[str, Any]

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
    extra: tuple[Contribution, ...] = (),
) -> Evaluated:
    """`extra`: contributions that stand beside the document's own, such as the quorum's."""
    decision = decide_level(
        facts=facts,
        action_type=registered,
        profile_level=profile_level,
        policy=policy.document,
        rules_result=extra,
    )
    inputs = {
        "facts": _plain(facts),
        "action_type": None if registered is None else _plain(registered),
        "profile_level": profile_level.name,
    }
    return Evaluated(policy, decision, inputs)


def _plain(facts: Facts | ActionTypeFacts) -> dict[str, Any]:
    return {field.name: plain_value(getattr(facts, field.name)) for field in fields(facts)}


def plain_value(value: Any) -> Any:
    """The JSON form in which inputs are kept: levels by name, decimals as text."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Level):
        return value.name
    return value if value is None or isinstance(value, bool | int | str) else f"{value:f}"
