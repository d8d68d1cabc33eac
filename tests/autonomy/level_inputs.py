"""Hypothesis strategies for every input of the level decision."""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import strategies as st

from autonomy.policy.decide import LevelDecision, decide_level
from autonomy.policy.document import DEFAULT_POLICY, PolicyDocument
from autonomy.policy.facts import ActionTypeFacts, ChainLink, Facts
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Domain, FactsFrom, Level, Recommendation, Source


@dataclass(frozen=True)
class Inputs:
    facts: Facts = field(default_factory=Facts)
    action_type: ActionTypeFacts | None = None
    profile_level: Level = Level.SOFT_APPROVAL
    policy: PolicyDocument = DEFAULT_POLICY
    chain: tuple[ChainLink, ...] = ()
    rules_result: tuple[Contribution, ...] = ()

    def decide(self) -> LevelDecision:
        return decide_level(
            facts=self.facts,
            action_type=self.action_type,
            profile_level=self.profile_level,
            policy=self.policy,
            chain=self.chain,
            rules_result=self.rules_result,
        )


levels = st.sampled_from(Level)
optional_levels = st.none() | levels
reversibles = st.sampled_from([True, False, None])
domain_sets: st.SearchStrategy[frozenset[Domain]] = st.frozensets(
    st.sampled_from(Domain), max_size=1
) | st.just(frozenset())
# Around the boundaries more often than anywhere else.
HUNDREDTHS = (0, 49, 50, 64, 65, 75, 76, 79, 80, 85, 86, 100)
scores = st.sampled_from([Decimal(n).scaleb(-2) for n in HUNDREDTHS]) | st.decimals(0, 1, places=3)
CENTS = (0, 2000, 9999, 10000, 10001, 15000)
amounts = st.sampled_from([Decimal(n).scaleb(-2) for n in CENTS]) | st.decimals(
    0, 100_000, places=2
)

facts = st.builds(
    Facts,
    reversible=reversibles,
    domains=domain_sets,
    cost_usd=st.none() | amounts,
    confidence=st.none() | scores,
    recommendation=st.none() | st.sampled_from(Recommendation),
    requested_level=optional_levels,
    failures_24h=st.integers(0, 5),
)
action_types = st.builds(
    ActionTypeFacts,
    reversible=reversibles,
    domains=domain_sets,
    cost_usd=st.none() | amounts,
    floor=optional_levels,
    side_effects=st.sampled_from([True, False, None]),
)
links = st.builds(ChainLink, profile_level=levels, floor=optional_levels)
rule_matches = st.builds(Contribution, st.just(Source.RULES), levels, st.just("a rule"))


@st.composite
def policies(draw: st.DrawFn) -> PolicyDocument:
    takeover, hard, soft = sorted(draw(st.lists(scores, min_size=3, max_size=3)))
    return PolicyDocument(
        facts_from=draw(st.sampled_from(FactsFrom)),
        high_cost_usd=draw(amounts),
        irreversible_soft_above=draw(scores),
        irreversible_always_hard=draw(st.booleans()),
        reversible_auto_above=draw(scores),
        confidence_takeover_below=takeover,
        confidence_hard_below=hard,
        confidence_soft_below=soft,
        missing_confidence=draw(optional_levels),
        takeover_failures=draw(st.integers(1, 5)),
    )


inputs = st.builds(
    Inputs,
    facts=facts,
    action_type=st.none() | action_types,
    profile_level=levels,
    policy=st.just(DEFAULT_POLICY) | policies(),
    chain=st.lists(links, max_size=2).map(tuple),
    rules_result=st.lists(rule_matches, max_size=2).map(tuple),
)
