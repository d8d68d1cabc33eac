"""What the facts of the action alone ask for: reversibility, domains, cost against confidence."""

from decimal import Decimal

from autonomy.policy.document import PolicyDocument
from autonomy.policy.facts import EffectiveFacts
from autonomy.policy.trace import Contribution, fraction_text, usd_text
from autonomy.vocabulary import Level, Source


def matrix_contribution(facts: EffectiveFacts, policy: PolicyDocument) -> Contribution:
    level, reason = _judge(facts, policy)
    return Contribution(Source.MATRIX, level, reason)


def _judge(facts: EffectiveFacts, policy: PolicyDocument) -> tuple[Level, str]:
    # The order is part of the rule: the first line that applies decides.
    if facts.domains:
        return Level.HARD_APPROVAL, _domain_words(facts)
    if facts.cost_usd is not None and facts.cost_usd > policy.high_cost_usd:
        limit = usd_text(policy.high_cost_usd)
        return Level.HARD_APPROVAL, f"cost {usd_text(facts.cost_usd)} is above {limit}"
    if not facts.side_effects:
        return Level.FULL_AUTO, "registered without side effects"
    if facts.reversible is not True:
        return _irreversible(facts, policy)
    return _reversible(facts, policy)


def _irreversible(facts: EffectiveFacts, policy: PolicyDocument) -> tuple[Level, str]:
    words = "not reversible" if facts.reversible is False else "not known to be reversible"
    if policy.irreversible_always_hard:
        return Level.HARD_APPROVAL, f"{words}, which this policy never leaves to silence"
    sure, confidence = _compare(facts.confidence, policy.irreversible_soft_above)
    level = Level.SOFT_APPROVAL if sure else Level.HARD_APPROVAL
    return level, f"{words}, {confidence}"


def _reversible(facts: EffectiveFacts, policy: PolicyDocument) -> tuple[Level, str]:
    sure, confidence = _compare(facts.confidence, policy.reversible_auto_above)
    if facts.cost_usd is None:
        return Level.SOFT_APPROVAL, f"reversible, cost unknown, {confidence}"
    level = Level.FULL_AUTO if sure else Level.SOFT_APPROVAL
    return level, f"reversible, cost {usd_text(facts.cost_usd)}, {confidence}"


def _compare(confidence: Decimal | None, limit: Decimal) -> tuple[bool, str]:
    if confidence is None:
        return False, "confidence unknown"
    above = confidence > limit
    words = "is above" if above else "is not above"
    return above, f"confidence {fraction_text(confidence)} {words} {fraction_text(limit)}"


def _domain_words(facts: EffectiveFacts) -> str:
    names = sorted(domain.value for domain in facts.domains)
    return f"{' and '.join(names)} domain{'s' if len(names) > 1 else ''}"
