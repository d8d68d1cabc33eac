"""The versioned policy: every number that the decision and the time limits depend on."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import pairwise
from typing import Any, Self

from autonomy.policy.reading import (
    DAY,
    MINUTE,
    YEAR,
    FieldError,
    Reader,
    ReadError,
    nullable,
    read_bool,
    read_count,
    read_fraction,
    read_level,
    read_member,
    read_money,
    read_object,
    read_seconds,
)
from autonomy.policy.rules import Rule, read_rules
from autonomy.vocabulary import FactsFrom, Level


class PolicyError(ReadError):
    """A document that is no policy; `errors` names every wrong field."""


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """Amounts in USD, times in seconds unless the name says otherwise.

    Comparisons are strict: `..._above` means above and not equal, `..._below` below and not equal.
    """

    facts_from: FactsFrom = FactsFrom.STATED
    high_cost_usd: Decimal = Decimal(100)
    irreversible_soft_above: Decimal = Decimal("0.75")
    irreversible_always_hard: bool = False
    reversible_auto_above: Decimal = Decimal("0.85")
    confidence_takeover_below: Decimal = Decimal("0.50")
    confidence_hard_below: Decimal = Decimal("0.65")
    confidence_soft_below: Decimal = Decimal("0.80")
    missing_confidence: Level | None = None
    takeover_failures: int = 3
    failure_window_hours: int = 24
    promote_after_successes: int = 10
    demote_after_failures: int = 2
    silent_consent: bool = True
    soft_seconds: int = 5 * MINUTE
    hard_seconds: int = DAY
    takeover_ack_seconds: int = 15 * MINUTE
    approval_ttl_seconds: int = 15 * MINUTE
    quorum: int = 1
    rules: tuple[Rule, ...] = ()

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Fields left out take their defaults. Raises PolicyError naming every wrong field."""
        try:
            document = cls(**read_object(value, READERS))
        except ReadError as error:
            raise PolicyError(error.errors) from None
        errors = _band_errors(document)
        if errors:
            raise PolicyError(errors)
        return document

    def to_json(self) -> dict[str, Any]:
        """Every field, as plain JSON values; `from_json` gives an equal document back."""
        plain = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return plain | {"high_cost_usd": f"{self.high_cost_usd:f}"}


DEFAULT_POLICY = PolicyDocument()


def _plain(value: object) -> object:
    match value:
        case Level():
            return value.name
        case FactsFrom():
            return value.value
        case Decimal():
            return float(value)
        case tuple():
            return [rule.to_json() for rule in value]
        case _:
            return value


def _band_errors(document: PolicyDocument) -> list[FieldError]:
    bands = ("confidence_takeover_below", "confidence_hard_below", "confidence_soft_below")
    return [
        {"loc": [upper], "msg": f"must not be less than {lower}"}
        for lower, upper in pairwise(bands)
        if getattr(document, upper) < getattr(document, lower)
    ]


READERS: Mapping[str, Reader] = {
    "facts_from": read_member(FactsFrom),
    "high_cost_usd": read_money,
    "irreversible_soft_above": read_fraction,
    "irreversible_always_hard": read_bool,
    "reversible_auto_above": read_fraction,
    "confidence_takeover_below": read_fraction,
    "confidence_hard_below": read_fraction,
    "confidence_soft_below": read_fraction,
    "missing_confidence": nullable(read_level),
    "takeover_failures": read_count(1, 1000),
    "failure_window_hours": read_count(1, YEAR // 3600),
    "promote_after_successes": read_count(1, 1_000_000),
    "demote_after_failures": read_count(1, 1000),
    "silent_consent": read_bool,
    "soft_seconds": read_seconds,
    "hard_seconds": read_seconds,
    "takeover_ack_seconds": read_seconds,
    "approval_ttl_seconds": read_seconds,
    "quorum": read_count(1, 100),
    "rules": read_rules,
}
