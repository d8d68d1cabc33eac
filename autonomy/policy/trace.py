"""One opinion about the level, as reviewers read it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from autonomy.vocabulary import Level, Source


@dataclass(frozen=True, slots=True)
class Contribution:
    """`binding` is set by the decision, once the result is known: equal to the result."""

    source: Source
    level: Level
    reason: str
    binding: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source.value,
            "level": self.level.name,
            "reason": self.reason,
            "binding": self.binding,
        }


def fraction_text(value: Decimal) -> str:
    """0.5 as 0.50, beside limits that have two decimals; never rounded, never an exponent."""
    digits = -int(value.as_tuple().exponent)
    return f"{value:f}" if digits > 2 else f"{value:.2f}"


def usd_text(value: Decimal) -> str:
    return f"{value:f} USD"
