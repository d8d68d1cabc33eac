"""The exact boundaries of the level decision, and the shared file of worked cases."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autonomy.policy.cases import answer, decide_case, read_case
from autonomy.policy.decide import LevelDecision, decide_level
from autonomy.policy.document import DEFAULT_POLICY, PolicyDocument
from autonomy.policy.facts import ActionTypeFacts, ChainLink, Facts, exact_decimal
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Domain, FactsFrom, Level, Recommendation, Source

WORKED_CASES = Path(__file__).parents[3] / "shared" / "conformance" / "levels.jsonl"
AUTO, NOTIFY, SOFT, HARD, TAKEOVER = Level
PROCEED, CLARIFY, ESCALATE = Recommendation
LOOKUP = ActionTypeFacts(side_effects=False)


def decide(
    action_type: ActionTypeFacts | None = None,
    *,
    profile: Level = AUTO,
    policy: PolicyDocument = DEFAULT_POLICY,
    chain: tuple[ChainLink, ...] = (),
    confidence: str | None = "0.95",
    cost: str | None = "20.00",
    **facts: Any,
) -> LevelDecision:
    """By default everything is so that the answer is FULL_AUTO."""
    return decide_level(
        facts=Facts(
            **({"reversible": True} | facts),
            cost_usd=None if cost is None else Decimal(cost),
            confidence=None if confidence is None else Decimal(confidence),
        ),
        action_type=action_type,
        profile_level=profile,
        policy=policy,
        chain=chain,
    )


def contribution(decision: LevelDecision, source: Source) -> Contribution | None:
    found = [c for c in decision.trace if c.source is source]
    assert len(found) <= 1
    return found[0] if found else None


def opinion(decision: LevelDecision, source: Source) -> tuple[Level, str] | None:
    found = contribution(decision, source)
    return (found.level, found.reason) if found else None


@pytest.mark.skipif(not WORKED_CASES.exists(), reason="the shared worked cases are not here")
def test_every_worked_case() -> None:
    cases = [json.loads(line) for line in WORKED_CASES.read_text().splitlines()]
    answers = [answer(read_case(case), DEFAULT_POLICY) for case in cases]
    assert len(cases) == 200
    assert [(a["id"], a["level"], a["binding"]) for a in answers] == [
        (case["id"], case["expect"]["level"], case["expect"]["binding"]) for case in cases
    ]


@pytest.mark.parametrize(
    ("facts", "level", "reason"),
    [
        (
            {"domains": frozenset({Domain.FINANCIAL}), "confidence": "1"},
            HARD,
            "financial domain",
        ),
        (
            {"domains": frozenset({Domain.REGULATED, Domain.PII}), "cost": "5000.00"},
            HARD,
            "pii and regulated domains",
        ),
        ({"cost": "100.01"}, HARD, "cost 100.01 USD is above 100 USD"),
        (
            {"cost": "100.01", "reversible": False},
            HARD,
            "cost 100.01 USD is above 100 USD",
        ),
        (
            {"cost": "100.00"},
            AUTO,
            "reversible, cost 100.00 USD, confidence 0.95 is above 0.85",
        ),
        (
            {"confidence": "0.86"},
            AUTO,
            "reversible, cost 20.00 USD, confidence 0.86 is above 0.85",
        ),
        (
            {"confidence": "0.85"},
            SOFT,
            "reversible, cost 20.00 USD, confidence 0.85 is not above 0.85",
        ),
        (
            {"confidence": "0.8500001"},
            AUTO,
            "reversible, cost 20.00 USD, confidence 0.8500001 is above 0.85",
        ),
        ({"confidence": None}, SOFT, "reversible, cost 20.00 USD, confidence unknown"),
        (
            {"cost": None, "confidence": "1"},
            SOFT,
            "reversible, cost unknown, confidence 1.00 is above 0.85",
        ),
        (
            {"reversible": False, "confidence": "0.76"},
            SOFT,
            "not reversible, confidence 0.76 is above 0.75",
        ),
        (
            {"reversible": False, "confidence": "0.75"},
            HARD,
            "not reversible, confidence 0.75 is not above 0.75",
        ),
        (
            {"reversible": None, "confidence": "0.76"},
            SOFT,
            "not known to be reversible, confidence 0.76 is above 0.75",
        ),
        (
            {"reversible": None, "confidence": None, "cost": None},
            HARD,
            "not known to be reversible, confidence unknown",
        ),
    ],
)
def test_matrix(facts: dict[str, Any], level: Level, reason: str) -> None:
    assert opinion(decide(**facts), Source.MATRIX) == (level, reason)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"confidence": "0.00"}, (TAKEOVER, "confidence 0.00 is below 0.50")),
        ({"confidence": "0.4999"}, (TAKEOVER, "confidence 0.4999 is below 0.50")),
        ({"confidence": "0.5"}, (HARD, "confidence 0.50 is below 0.65")),
        ({"confidence": "0.64"}, (HARD, "confidence 0.64 is below 0.65")),
        ({"confidence": "0.65"}, (SOFT, "confidence 0.65 is below 0.80")),
        ({"confidence": "0.79"}, (SOFT, "confidence 0.79 is below 0.80")),
        ({"confidence": "0.8"}, (AUTO, "confidence 0.80 is not below 0.80")),
        (
            {"confidence": "0.9", "recommendation": PROCEED},
            (AUTO, "confidence 0.90 is not below 0.80"),
        ),
        (
            {"confidence": "0.9", "recommendation": ESCALATE},
            (TAKEOVER, "the agent recommends ESCALATE"),
        ),
        (
            {"confidence": "0.9", "recommendation": CLARIFY},
            (HARD, "the agent recommends CLARIFY: silence cannot answer a question"),
        ),
        (
            {"confidence": "0.6", "recommendation": CLARIFY},
            (
                HARD,
                "confidence 0.60 is below 0.65; "
                "the agent recommends CLARIFY: silence cannot answer a question",
            ),
        ),
        (
            {"confidence": "0.49", "recommendation": CLARIFY},
            (TAKEOVER, "confidence 0.49 is below 0.50"),
        ),
        (
            {"confidence": None, "recommendation": ESCALATE},
            (TAKEOVER, "the agent recommends ESCALATE"),
        ),
        (
            {"confidence": None, "recommendation": CLARIFY},
            (HARD, "the agent recommends CLARIFY: silence cannot answer a question"),
        ),
        ({"confidence": None, "recommendation": PROCEED}, None),
        ({"confidence": None}, None),
    ],
)
def test_confidence(facts: dict[str, Any], expected: tuple[Level, str] | None) -> None:
    assert opinion(decide(**facts), Source.CONFIDENCE) == expected


@pytest.mark.parametrize(
    ("facts", "level", "binding"),
    [
        ({}, AUTO, ("autonomy", "confidence", "matrix")),
        ({"failures_24h": 2}, AUTO, ("autonomy", "confidence", "matrix")),
        ({"failures_24h": 3}, TAKEOVER, ("failures",)),
        ({"profile": NOTIFY}, NOTIFY, ("autonomy",)),
        ({"profile": SOFT}, SOFT, ("autonomy",)),
        ({"profile": TAKEOVER}, TAKEOVER, ("autonomy",)),
        ({"requested_level": AUTO}, AUTO, ("agent", "autonomy", "confidence", "matrix")),
        ({"requested_level": HARD}, HARD, ("agent",)),
        ({"action_type": ActionTypeFacts(floor=SOFT)}, SOFT, ("action_type",)),
        ({"chain": (ChainLink(NOTIFY, AUTO),)}, NOTIFY, ("delegation",)),
        ({"chain": (ChainLink(AUTO, AUTO), ChainLink(NOTIFY, HARD))}, HARD, ("delegation",)),
        ({"chain": (ChainLink(AUTO),)}, AUTO, ("autonomy", "confidence", "delegation", "matrix")),
        (
            {"cost": "420.00", "profile": HARD, "requested_level": HARD},
            HARD,
            ("agent", "autonomy", "matrix"),
        ),
    ],
)
def test_the_strictest_opinion_counts(
    facts: dict[str, Any], level: Level, binding: tuple[str, ...]
) -> None:
    decision = decide(**facts)
    assert (decision.level, decision.binding) == (level, binding)


@pytest.mark.parametrize(
    ("facts", "level", "binding"),
    [
        (
            {"profile": TAKEOVER, "confidence": "0.5", "recommendation": CLARIFY, "cost": None},
            AUTO,
            ("autonomy", "confidence", "matrix"),
        ),
        ({"confidence": None, "reversible": False}, AUTO, ("autonomy", "matrix")),
        ({"confidence": "0.49"}, TAKEOVER, ("confidence",)),
        ({"recommendation": ESCALATE}, TAKEOVER, ("confidence",)),
        ({"domains": frozenset({Domain.PII})}, HARD, ("matrix",)),
        ({"cost": "100.01"}, HARD, ("matrix",)),
        ({"failures_24h": 3}, TAKEOVER, ("failures",)),
        ({"requested_level": SOFT}, SOFT, ("agent",)),
        ({"chain": (ChainLink(HARD, NOTIFY),)}, NOTIFY, ("delegation",)),
        ({"action_type": replace(LOOKUP, floor=SOFT)}, SOFT, ("action_type",)),
    ],
)
def test_a_lookup_without_side_effects(
    facts: dict[str, Any], level: Level, binding: tuple[str, ...]
) -> None:
    decision = decide(**({"action_type": LOOKUP} | facts))
    assert (decision.level, decision.binding) == (level, binding)


@pytest.mark.parametrize(
    ("stated", "registered", "facts_from", "effective"),
    [
        (True, None, FactsFrom.STATED, True),
        (None, True, FactsFrom.STATED, True),
        (True, False, FactsFrom.STATED, False),
        (False, True, FactsFrom.STATED, False),
        (None, None, FactsFrom.STATED, None),
        (True, None, FactsFrom.REGISTERED_ONLY, None),
        (False, None, FactsFrom.REGISTERED_ONLY, False),
        (True, True, FactsFrom.REGISTERED_ONLY, True),
        (None, True, FactsFrom.REGISTERED_ONLY, True),
        (False, True, FactsFrom.REGISTERED_ONLY, False),
    ],
)
def test_which_word_on_reversible_counts(
    stated: bool | None, registered: bool | None, facts_from: FactsFrom, effective: bool | None
) -> None:
    decision = decide(
        ActionTypeFacts(reversible=registered),
        reversible=stated,
        policy=replace(DEFAULT_POLICY, facts_from=facts_from),
    )
    assert decision.effective.reversible is effective


@pytest.mark.parametrize("facts_from", FactsFrom)
@pytest.mark.parametrize(
    ("stated", "registered", "effective"),
    [("20", None, "20"), (None, "20", "20"), ("20", "150", "150"), ("150", "20", "150")],
)
def test_the_higher_cost_counts(
    stated: str | None, registered: str | None, effective: str, facts_from: FactsFrom
) -> None:
    decision = decide(
        ActionTypeFacts(cost_usd=None if registered is None else Decimal(registered)),
        cost=stated,
        policy=replace(DEFAULT_POLICY, facts_from=facts_from),
    )
    assert decision.effective.cost_usd == Decimal(effective)


def test_domains_are_united_and_side_effects_are_the_registrations_word() -> None:
    registered = ActionTypeFacts(domains=frozenset({Domain.PII}), side_effects=None)
    decision = decide(registered, domains=frozenset({Domain.FINANCIAL}))
    assert decision.effective.domains == frozenset({Domain.PII, Domain.FINANCIAL})
    assert decision.effective.side_effects is True
    assert decide(LOOKUP).effective.side_effects is False


def test_the_policy_switches() -> None:
    hard = replace(DEFAULT_POLICY, irreversible_always_hard=True)
    assert decide(reversible=False, policy=hard).level is HARD
    assert decide(policy=hard).level is AUTO
    missing = replace(DEFAULT_POLICY, missing_confidence=HARD)
    assert opinion(decide(confidence=None, policy=missing), Source.CONFIDENCE) == (
        HARD,
        "no confidence score was given",
    )
    assert decide(LOOKUP, confidence=None, policy=missing).level is AUTO
    assert decide(policy=replace(DEFAULT_POLICY, high_cost_usd=Decimal("19.99"))).level is HARD
    assert decide(failures_24h=1, policy=replace(DEFAULT_POLICY, takeover_failures=1)).level is (
        TAKEOVER
    )


def test_the_whole_trace_of_one_decision() -> None:
    decision = decide(
        ActionTypeFacts(floor=NOTIFY),
        cost="420.00",
        confidence="0.82",
        profile=SOFT,
        failures_24h=4,
        requested_level=HARD,
        chain=(ChainLink(NOTIFY, SOFT),),
    )
    assert [(c.source.value, c.level, c.reason, c.binding) for c in decision.trace] == [
        ("matrix", HARD, "cost 420.00 USD is above 100 USD", False),
        ("confidence", AUTO, "confidence 0.82 is not below 0.80", False),
        ("autonomy", SOFT, "the agent works at soft approval for this action type", False),
        ("failures", TAKEOVER, "4 failures within 24 hours, takeover starts at 3", True),
        ("action_type", NOTIFY, "the action type's floor is notify only", False),
        ("agent", HARD, "the agent asked for hard approval", False),
        (
            "delegation",
            NOTIFY,
            "agent 1 up the chain works at notify only for this action type",
            False,
        ),
        (
            "delegation",
            SOFT,
            "the grant of agent 1 up the chain has the floor soft approval",
            False,
        ),
    ]


def test_doubles_keep_the_decimal_they_were_written_as() -> None:
    assert [exact_decimal(x) for x in (0.85, 0.1 + 0.2, 1, "0.5", Decimal("0.65"))] == [
        Decimal(text) for text in ("0.85", "0.30000000000000004", "1", "0.5", "0.65")
    ]
    # The double 0.65 lies above the decimal 0.65; only the written decimal meets the boundary.
    assert Decimal.from_float(0.65) > exact_decimal(0.65)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("confidence", 0.85, TypeError),
        ("confidence", Decimal("1.01"), ValueError),
        ("confidence", Decimal("NaN"), ValueError),
        ("cost_usd", 20, TypeError),
        ("cost_usd", Decimal("-0.01"), ValueError),
        ("cost_usd", Decimal("Infinity"), ValueError),
    ],
)
def test_facts_refuse_numbers_that_would_blur_a_boundary(
    field: str, value: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=field):
        Facts(**{field: value})


def test_a_case_may_replace_the_policys_facts_from() -> None:
    case = read_case(
        {
            "id": 7,
            "facts": {"reversible": True, "cost_usd": "1", "confidence": 0.95},
            "profile_level": "FULL_AUTO",
        }
    )
    strict = replace(DEFAULT_POLICY, facts_from=FactsFrom.REGISTERED_ONLY)
    assert decide_case(case, DEFAULT_POLICY).level is AUTO
    assert decide_case(case, strict).level is SOFT
    assert decide_case(replace(case, facts_from=FactsFrom.STATED), strict).level is AUTO


def test_levels_have_words_and_an_order() -> None:
    assert [(int(level), level.name, level.label) for level in Level] == [
        (0, "FULL_AUTO", "Full auto"),
        (1, "NOTIFY_ONLY", "Notify only"),
        (2, "SOFT_APPROVAL", "Soft approval"),
        (3, "HARD_APPROVAL", "Hard approval"),
        (4, "HUMAN_TAKEOVER", "Human takeover"),
    ]
