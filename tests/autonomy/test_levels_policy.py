"""The policy document: strict in, complete out."""

import json
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from autonomy.policy.document import DEFAULT_POLICY, PolicyDocument, PolicyError
from autonomy.vocabulary import FactsFrom, Level
from tests.autonomy.level_inputs import policies

DEFAULTS = {
    "facts_from": "stated",
    "high_cost_usd": "100",
    "irreversible_soft_above": 0.75,
    "irreversible_always_hard": False,
    "reversible_auto_above": 0.85,
    "confidence_takeover_below": 0.5,
    "confidence_hard_below": 0.65,
    "confidence_soft_below": 0.8,
    "missing_confidence": None,
    "takeover_failures": 3,
    "failure_window_hours": 24,
    "promote_after_successes": 10,
    "demote_after_failures": 2,
    "silent_consent": True,
    "soft_seconds": 300,
    "hard_seconds": 86_400,
    "takeover_ack_seconds": 900,
    "approval_ttl_seconds": 900,
    "quorum": 1,
    "rules": [],
}


def errors_of(document: Any) -> list[dict[str, Any]]:
    with pytest.raises(PolicyError) as caught:
        PolicyDocument.from_json(document)
    return [dict(error) for error in caught.value.errors]


def test_the_defaults_and_their_json() -> None:
    assert DEFAULT_POLICY.to_json() == DEFAULTS
    assert PolicyDocument.from_json(DEFAULTS) == DEFAULT_POLICY
    assert PolicyDocument.from_json({}) == DEFAULT_POLICY


@given(policies())
def test_json_round_trip(policy: PolicyDocument) -> None:
    assert PolicyDocument.from_json(json.loads(json.dumps(policy.to_json()))) == policy


def test_values_are_read_exactly() -> None:
    policy = PolicyDocument.from_json(
        {
            "facts_from": "registered_only",
            "high_cost_usd": "250.50",
            "confidence_soft_below": 0.9,
            "missing_confidence": "HARD_APPROVAL",
        }
    )
    assert policy == replace(
        DEFAULT_POLICY,
        facts_from=FactsFrom.REGISTERED_ONLY,
        high_cost_usd=Decimal("250.50"),
        confidence_soft_below=Decimal("0.9"),
        missing_confidence=Level.HARD_APPROVAL,
    )


ONE_LEVEL = "must be one of FULL_AUTO, NOTIFY_ONLY, SOFT_APPROVAL, HARD_APPROVAL, HUMAN_TAKEOVER"


@pytest.mark.parametrize(
    ("field", "value", "msg"),
    [
        ("facts_from", "agent", "must be one of stated, registered_only"),
        ("high_cost_usd", 100, 'must be a decimal string such as "420.00"'),
        ("high_cost_usd", "-1", 'must be a decimal string such as "420.00"'),
        ("high_cost_usd", "1e3", 'must be a decimal string such as "420.00"'),
        ("high_cost_usd", "NaN", 'must be a decimal string such as "420.00"'),
        ("high_cost_usd", "100\n", 'must be a decimal string such as "420.00"'),
        ("high_cost_usd", "\u0661", 'must be a decimal string such as "420.00"'),
        ("reversible_auto_above", 1.01, "must be a number from 0 to 1"),
        ("reversible_auto_above", float("nan"), "must be a number from 0 to 1"),
        ("reversible_auto_above", "0.9", "must be a number from 0 to 1"),
        ("reversible_auto_above", True, "must be a number from 0 to 1"),
        ("irreversible_always_hard", 1, "must be true or false"),
        ("missing_confidence", "hard_approval", ONE_LEVEL),
        ("missing_confidence", 3, ONE_LEVEL),
        ("missing_confidence", [], ONE_LEVEL),
        ("takeover_failures", 0, "must be a whole number from 1 to 1000"),
        ("takeover_failures", 3.0, "must be a whole number from 1 to 1000"),
        ("takeover_failures", True, "must be a whole number from 1 to 1000"),
        ("takeover_failures", None, "must be a whole number from 1 to 1000"),
        ("soft_seconds", 0, "must be a whole number from 1 to 31536000"),
        ("hard_seconds", 10**400, "must be a whole number from 1 to 31536000"),
        ("quorum", 101, "must be a whole number from 1 to 100"),
        ("rules", {}, "must be a list"),
        ("colour", "red", "unknown field"),
        ("confidence_hard_below", 0.49, "must not be less than confidence_takeover_below"),
        ("confidence_soft_below", 0.64, "must not be less than confidence_hard_below"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, msg: str) -> None:
    assert errors_of({**DEFAULTS, field: value}) == [{"loc": [field], "msg": msg}]


def test_all_wrong_fields_are_named_at_once() -> None:
    assert errors_of({"quorum": 0, "colour": 1, "rules": [1]}) == [
        {"loc": ["quorum"], "msg": "must be a whole number from 1 to 100"},
        {"loc": ["colour"], "msg": "unknown field"},
        {"loc": ["rules", 0], "msg": "must be an object"},
    ]


@pytest.mark.parametrize("document", [None, [], "{}", 1])
def test_only_an_object_is_a_policy(document: Any) -> None:
    assert errors_of(document) == [{"loc": [], "msg": "must be an object"}]


def test_every_field_is_written() -> None:
    assert set(DEFAULTS) == {field.name for field in fields(PolicyDocument)}
