"""Stricter input never gives a laxer level, and the trace always explains the result.

The rules themselves leave three ways in which saying less is laxer than saying it; the last tests
of this file hold them: hiding a cost above the limit, a score of the two lowest bands (a policy's
`missing_confidence` closes this one), or a recommendation other than PROCEED.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autonomy.policy.facts import ActionTypeFacts, ChainLink, Facts
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Domain, FactsFrom, Level, Recommendation, Source
from tests.autonomy.level_inputs import (
    Inputs,
    action_types,
    amounts,
    facts,
    inputs,
    levels,
    links,
    rule_matches,
    scores,
)

Step = Callable[[Inputs, st.DataObject], tuple[Inputs, Inputs]]
AUTOMATIC = Facts(reversible=True, cost_usd=Decimal(20), confidence=Decimal("0.95"))


def of_facts(name: str, pairs: st.SearchStrategy[tuple[Any, Any]]) -> Step:
    def step(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
        lax, strict = data.draw(pairs)
        base = given_inputs.facts
        return (
            replace(given_inputs, facts=replace(base, **{name: lax})),
            replace(given_inputs, facts=replace(base, **{name: strict})),
        )

    return step


def of_action_type(name: str, pairs: st.SearchStrategy[tuple[Any, Any]]) -> Step:
    def step(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
        lax, strict = data.draw(pairs)
        base = given_inputs.action_type or data.draw(action_types)
        return (
            replace(given_inputs, action_type=replace(base, **{name: lax})),
            replace(given_inputs, action_type=replace(base, **{name: strict})),
        )

    return step


def within_limit_to_unknown(part: str) -> Step:
    def step(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
        cost = min(data.draw(amounts), given_inputs.policy.high_cost_usd)
        build = of_facts if part == "facts" else of_action_type
        return build("cost_usd", st.just((cost, None)))(given_inputs, data)

    return step


def unknown_to_above_limit(part: str) -> Step:
    def step(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
        cost = given_inputs.policy.high_cost_usd + data.draw(st.sampled_from(CENTS))
        build = of_facts if part == "facts" else of_action_type
        return build("cost_usd", st.just((None, cost)))(given_inputs, data)

    return step


def scored_to_unknown(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
    score = max(data.draw(scores), given_inputs.policy.confidence_hard_below)
    return of_facts("confidence", st.just((score, None)))(given_inputs, data)


def longer_chain(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
    at = data.draw(st.integers(0, len(given_inputs.chain)))
    chain = given_inputs.chain
    return given_inputs, replace(given_inputs, chain=(*chain[:at], data.draw(links), *chain[at:]))


def stricter_link(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
    profile_lax, profile_strict = data.draw(RISING_LEVELS)
    floor_lax, floor_strict = data.draw(RISING_OR_NO_LEVELS)
    rest = given_inputs.chain
    return (
        replace(given_inputs, chain=(ChainLink(profile_lax, floor_lax), *rest)),
        replace(given_inputs, chain=(ChainLink(profile_strict, floor_strict), *rest)),
    )


def stricter_profile(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
    lax, strict = data.draw(RISING_LEVELS)
    return replace(given_inputs, profile_level=lax), replace(given_inputs, profile_level=strict)


def one_more_rule(given_inputs: Inputs, data: st.DataObject) -> tuple[Inputs, Inputs]:
    matched = (*given_inputs.rules_result, data.draw(rule_matches))
    return given_inputs, replace(given_inputs, rules_result=matched)


def registered_only(given_inputs: Inputs, _data: st.DataObject) -> tuple[Inputs, Inputs]:
    return (
        replace(given_inputs, policy=replace(given_inputs.policy, facts_from=FactsFrom.STATED)),
        replace(
            given_inputs, policy=replace(given_inputs.policy, facts_from=FactsFrom.REGISTERED_ONLY)
        ),
    )


def always_hard(given_inputs: Inputs, _data: st.DataObject) -> tuple[Inputs, Inputs]:
    return (
        replace(given_inputs, policy=replace(given_inputs.policy, irreversible_always_hard=False)),
        replace(given_inputs, policy=replace(given_inputs.policy, irreversible_always_hard=True)),
    )


def rising(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    return st.tuples(values, values).map(lambda pair: (min(pair), max(pair)))


CENTS = [Decimal("0.01"), Decimal(1), Decimal(5000)]
REVERSIBLES = st.sampled_from([(True, None), (None, False), (True, False)])
DOMAINS = st.tuples(
    st.frozensets(st.sampled_from(Domain)), st.frozensets(st.sampled_from(Domain), min_size=1)
).map(lambda pair: (pair[0], pair[0] | pair[1]))
RISING_LEVELS = rising(levels)
RISING_OR_NO_LEVELS = RISING_LEVELS | levels.map(lambda level: (None, level))
PROCEED, CLARIFY, ESCALATE = Recommendation
RECOMMENDATIONS = st.sampled_from(
    [(PROCEED, None), (None, PROCEED), (None, CLARIFY), (PROCEED, CLARIFY), (CLARIFY, ESCALATE)]
)
FALLING_SCORES = rising(scores).map(lambda pair: (pair[1], pair[0]))

STEPS: dict[str, Step] = {
    "reversible": of_facts("reversible", REVERSIBLES),
    "domains": of_facts("domains", DOMAINS),
    "cost raised": of_facts("cost_usd", rising(amounts)),
    "cost within the limit hidden": within_limit_to_unknown("facts"),
    "cost above the limit stated": unknown_to_above_limit("facts"),
    "confidence lowered": of_facts("confidence", FALLING_SCORES),
    "confidence hidden": scored_to_unknown,
    "recommendation": of_facts("recommendation", RECOMMENDATIONS),
    "requested level": of_facts("requested_level", RISING_OR_NO_LEVELS),
    "failures": of_facts("failures_24h", rising(st.integers(0, 6))),
    "registered reversible": of_action_type("reversible", REVERSIBLES),
    "registered domains": of_action_type("domains", DOMAINS),
    "registered cost raised": of_action_type("cost_usd", rising(amounts)),
    "registered cost within the limit withdrawn": within_limit_to_unknown("action type"),
    "registered cost above the limit": unknown_to_above_limit("action type"),
    "floor": of_action_type("floor", RISING_OR_NO_LEVELS),
    "side effects": of_action_type("side_effects", st.sampled_from([(False, None), (False, True)])),
    "profile": stricter_profile,
    "chain longer": longer_chain,
    "chain stricter": stricter_link,
    "rule matches": one_more_rule,
    "registered_only": registered_only,
    "irreversible_always_hard": always_hard,
}


@pytest.mark.parametrize("name", STEPS)
@given(given_inputs=inputs, data=st.data())
def test_a_stricter_input_never_gives_a_laxer_level(
    name: str, given_inputs: Inputs, data: st.DataObject
) -> None:
    lax, strict = STEPS[name](given_inputs, data)
    assert strict.decide().level >= lax.decide().level


@given(inputs)
def test_the_level_is_the_strictest_of_the_trace_and_binding_are_those_that_reach_it(
    given_inputs: Inputs,
) -> None:
    decision = given_inputs.decide()
    assert decision.level == max(c.level for c in decision.trace)
    assert [c.binding for c in decision.trace] == [
        c.level == decision.level for c in decision.trace
    ]
    assert list(decision.binding) == sorted(
        {c.source.value for c in decision.trace if c.level == decision.level}
    )
    assert all(c.reason for c in decision.trace)


@given(inputs)
def test_who_says_nothing_is_left_out_of_the_trace(given_inputs: Inputs) -> None:
    stated, registered = given_inputs.facts, given_inputs.action_type
    counts = {
        Source.MATRIX: 1,
        Source.CONFIDENCE: int(
            stated.confidence is not None
            or given_inputs.policy.missing_confidence is not None
            or stated.recommendation in (CLARIFY, ESCALATE)
        ),
        Source.AUTONOMY: 1,
        Source.FAILURES: int(stated.failures_24h >= given_inputs.policy.takeover_failures),
        Source.ACTION_TYPE: int(registered is not None and registered.floor is not None),
        Source.RULES: len(given_inputs.rules_result),
        Source.AGENT: int(stated.requested_level is not None),
        Source.DELEGATION: sum(1 + (link.floor is not None) for link in given_inputs.chain),
    }
    sources = [c.source for c in given_inputs.decide().trace]
    assert {source: sources.count(source) for source in Source} == counts
    assert sources == sorted(sources, key=list(Source).index)


@given(facts)
def test_without_trust_words_alone_never_reach_automatic(stated: Facts) -> None:
    assert Inputs(facts=stated).decide().level >= Level.SOFT_APPROVAL


@given(inputs, action_types)
def test_an_agents_word_never_loosens_what_is_registered(
    given_inputs: Inputs, registered: ActionTypeFacts
) -> None:
    """Against an agent that says only its score and no more than the registration says."""
    assume(registered.reversible is not None and registered.cost_usd is not None)
    silent = replace(
        given_inputs.facts,
        reversible=None,
        domains=frozenset(),
        cost_usd=None,
        requested_level=None,
    )
    with_words = replace(given_inputs, action_type=registered)
    without = replace(with_words, facts=silent)
    assert with_words.decide().level >= without.decide().level


def automatic(**changes: Any) -> Level:
    return Inputs(facts=replace(AUTOMATIC, **changes), profile_level=Level.FULL_AUTO).decide().level


def test_hiding_a_cost_above_the_limit_is_laxer_than_stating_it() -> None:
    assert automatic(cost_usd=Decimal(150)) is Level.HARD_APPROVAL
    assert automatic(cost_usd=None) is Level.SOFT_APPROVAL


def test_hiding_a_low_score_is_laxer_unless_the_policy_says_what_a_missing_one_means() -> None:
    assert automatic(confidence=Decimal("0.49")) is Level.HUMAN_TAKEOVER
    assert automatic(confidence=Decimal("0.64")) is Level.HARD_APPROVAL
    assert automatic(confidence=None) is Level.SOFT_APPROVAL


def test_hiding_a_recommendation_is_laxer_than_giving_it() -> None:
    assert automatic(recommendation=ESCALATE) is Level.HUMAN_TAKEOVER
    assert automatic(recommendation=CLARIFY) is Level.HARD_APPROVAL
    assert automatic(recommendation=None) is Level.FULL_AUTO


@given(inputs, scores)
def test_a_strict_missing_confidence_makes_hiding_any_score_useless(
    given_inputs: Inputs, score: Decimal
) -> None:
    policy = replace(given_inputs.policy, missing_confidence=Level.HUMAN_TAKEOVER)
    honest = replace(
        given_inputs, policy=policy, facts=replace(given_inputs.facts, confidence=score)
    )
    hidden = replace(honest, facts=replace(honest.facts, confidence=None))
    assert hidden.decide().level >= honest.decide().level


def test_rules_raise_the_level_and_stand_in_the_trace() -> None:
    rule = Contribution(Source.RULES, Level.HARD_APPROVAL, "rule night: outside office hours")
    decision = Inputs(facts=AUTOMATIC, rules_result=(rule,)).decide()
    assert decision.level is Level.HARD_APPROVAL
    assert decision.binding == ("rules",)
    assert replace(rule, binding=True) in decision.trace
