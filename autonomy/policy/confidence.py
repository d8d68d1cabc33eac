"""What the agent's own doubt asks for: its confidence score and its recommendation."""

from decimal import Decimal

from autonomy.policy.document import PolicyDocument
from autonomy.policy.facts import EffectiveFacts
from autonomy.policy.trace import Contribution, fraction_text
from autonomy.vocabulary import Level, Recommendation, Source

Opinion = tuple[Level, str]

RECOMMENDED: dict[Recommendation, Opinion] = {
    Recommendation.CLARIFY: (
        Level.HARD_APPROVAL,
        "the agent recommends CLARIFY: silence cannot answer a question",
    ),
    Recommendation.ESCALATE: (Level.HUMAN_TAKEOVER, "the agent recommends ESCALATE"),
}


def confidence_contribution(facts: EffectiveFacts, policy: PolicyDocument) -> Contribution | None:
    opinions = _opinions(facts, policy)
    if not opinions:
        return None
    level = max(level for level, _ in opinions)
    reason = "; ".join(words for opinion, words in opinions if opinion is level)
    if not facts.side_effects and level is not Level.HUMAN_TAKEOVER:
        return Contribution(Source.CONFIDENCE, Level.FULL_AUTO, f"no side effects ({reason})")
    return Contribution(Source.CONFIDENCE, level, reason)


def _opinions(facts: EffectiveFacts, policy: PolicyDocument) -> list[Opinion]:
    opinions: list[Opinion] = []
    if facts.confidence is not None:
        opinions.append(_score_opinion(facts.confidence, policy))
    elif policy.missing_confidence is not None:
        opinions.append((policy.missing_confidence, "no confidence score was given"))
    if facts.recommendation in RECOMMENDED:
        opinions.append(RECOMMENDED[facts.recommendation])
    return opinions


def _score_opinion(score: Decimal, policy: PolicyDocument) -> Opinion:
    bands = (
        (policy.confidence_takeover_below, Level.HUMAN_TAKEOVER),
        (policy.confidence_hard_below, Level.HARD_APPROVAL),
        (policy.confidence_soft_below, Level.SOFT_APPROVAL),
    )
    for limit, level in bands:
        if score < limit:
            return level, f"confidence {fraction_text(score)} is below {fraction_text(limit)}"
    lowest = fraction_text(policy.confidence_soft_below)
    return Level.FULL_AUTO, f"confidence {fraction_text(score)} is not below {lowest}"
