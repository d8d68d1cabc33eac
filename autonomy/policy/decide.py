"""The level decision: every opinion about the level, of which the strictest counts. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autonomy.policy.confidence import confidence_contribution
from autonomy.policy.document import PolicyDocument
from autonomy.policy.facts import (
    ActionTypeFacts,
    ChainLink,
    EffectiveFacts,
    Facts,
    effective_facts,
)
from autonomy.policy.matrix import matrix_contribution
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Level, Source


@dataclass(frozen=True, slots=True)
class LevelDecision:
    level: Level
    trace: tuple[Contribution, ...]
    effective: EffectiveFacts

    @property
    def binding(self) -> tuple[str, ...]:
        """The sources that reach the result, each once, sorted."""
        return tuple(sorted({c.source.value for c in self.trace if c.binding}))


def decide_level(
    *,
    facts: Facts,
    action_type: ActionTypeFacts | None,
    profile_level: Level,
    policy: PolicyDocument,
    chain: Sequence[ChainLink] = (),
    rules_result: Sequence[Contribution] = (),
) -> LevelDecision:
    """`rules_result`: the contributions of the policy's rules that matched, already evaluated.

    Matrix and autonomy always contribute, so there is always a result.
    """
    effective = effective_facts(facts, action_type, facts_from=policy.facts_from)
    opinions = (
        matrix_contribution(effective, policy),
        *_optional(confidence_contribution(effective, policy)),
        _autonomy(profile_level, effective),
        *_failures(facts, policy),
        *_floor(action_type),
        *rules_result,
        *_wish(facts),
        *_delegation(chain, effective),
    )
    level = max(opinion.level for opinion in opinions)
    trace = tuple(replace(o, binding=True) if o.level is level else o for o in opinions)
    return LevelDecision(level, trace, effective)


def _optional(opinion: Contribution | None) -> tuple[Contribution, ...]:
    return () if opinion is None else (opinion,)


def _profile_opinion(
    source: Source, who: str, profile_level: Level, facts: EffectiveFacts
) -> Contribution:
    words = f"{who} works at {profile_level.label.lower()} for this action type"
    if facts.side_effects:
        return Contribution(source, profile_level, words)
    return Contribution(source, Level.FULL_AUTO, f"no side effects ({words})")


def _autonomy(profile_level: Level, facts: EffectiveFacts) -> Contribution:
    return _profile_opinion(Source.AUTONOMY, "the agent", profile_level, facts)


def _failures(facts: Facts, policy: PolicyDocument) -> Iterator[Contribution]:
    if facts.failures_24h >= policy.takeover_failures:
        reason = (
            f"{facts.failures_24h} failures within {policy.failure_window_hours} hours,"
            f" takeover starts at {policy.takeover_failures}"
        )
        yield Contribution(Source.FAILURES, Level.HUMAN_TAKEOVER, reason)


def _floor(action_type: ActionTypeFacts | None) -> Iterator[Contribution]:
    if action_type is not None and action_type.floor is not None:
        reason = f"the action type's floor is {action_type.floor.label.lower()}"
        yield Contribution(Source.ACTION_TYPE, action_type.floor, reason)


def _wish(facts: Facts) -> Iterator[Contribution]:
    if facts.requested_level is not None:
        reason = f"the agent asked for {facts.requested_level.label.lower()}"
        yield Contribution(Source.AGENT, facts.requested_level, reason)


def _delegation(chain: Sequence[ChainLink], facts: EffectiveFacts) -> Iterator[Contribution]:
    for position, link in enumerate(chain, start=1):
        who = f"agent {position} up the chain"
        yield _profile_opinion(Source.DELEGATION, who, link.profile_level, facts)
        if link.floor is not None:
            reason = f"the grant of {who} has the floor {link.floor.label.lower()}"
            yield Contribution(Source.DELEGATION, link.floor, reason)
