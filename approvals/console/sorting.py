"""The orders of the queue, and places in them at which a page ends and the next one begins. Pure.

A place is the values by which a row is sorted, down to its id: what comes after it is found by
them alone, whatever was inserted or closed meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from django.db.models import F, Q
from django.db.models.expressions import OrderBy

BETWEEN = "~"
# The column takes no more: what is larger is no cost of ours.
MOST_COST = Decimal(10) ** 16


class Sort(StrEnum):
    DEADLINE = "deadline"
    OLDEST = "oldest"
    NEWEST = "newest"
    LEVEL = "level"
    COST = "cost"


# As the scope sentence goes on: "Pending for Payments, ...".
SORT_WORDS = {
    Sort.DEADLINE: "by deadline",
    Sort.OLDEST: "oldest first",
    Sort.NEWEST: "newest first",
    Sort.LEVEL: "strictest first",
    Sort.COST: "by cost",
}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _cost(text: str) -> Decimal:
    cost = Decimal(text)
    if not cost.is_finite() or abs(cost) >= MOST_COST:
        raise ValueError(text)
    return cost


def _level(text: str) -> int:
    if not text.isdecimal() or len(text) > 1:
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True, slots=True)
class Key:
    """A column to sort by. Null comes last, either way."""

    name: str
    read: Callable[[str], Any]
    down: bool = False
    nullable: bool = False

    def order(self) -> OrderBy:
        column = F(self.name)
        last = True if self.nullable else None
        return column.desc(nulls_last=last) if self.down else column.asc(nulls_last=last)

    def backwards(self) -> OrderBy:
        column = F(self.name)
        first = True if self.nullable else None
        return column.asc(nulls_first=first) if self.down else column.desc(nulls_first=first)

    def equal(self, value: Any) -> Q:
        return Q(**{self.name: value})

    def after(self, value: Any) -> Q | None:
        """None: nothing comes after it."""
        if value is None:
            return None
        beyond = Q(**{f"{self.name}__{'lt' if self.down else 'gt'}": value})
        return beyond | Q(**{self.name: None}) if self.nullable else beyond

    def before(self, value: Any) -> Q:
        if value is None:
            return Q(**{f"{self.name}__isnull": False})
        return Q(**{f"{self.name}__{'gt' if self.down else 'lt'}": value})


ID = Key("id", UUID)
DEADLINE = Key("deadline", _moment, nullable=True)
KEYS: dict[Sort, tuple[Key, ...]] = {
    Sort.DEADLINE: (DEADLINE, ID),
    Sort.OLDEST: (Key("created_at", _moment), ID),
    Sort.NEWEST: (Key("created_at", _moment, down=True), Key("id", UUID, down=True)),
    Sort.LEVEL: (Key("level", _level, down=True), DEADLINE, ID),
    Sort.COST: (Key("cost_usd", _cost, down=True, nullable=True), DEADLINE, ID),
}


def forward(sort: Sort) -> list[OrderBy]:
    return [key.order() for key in KEYS[sort]]


def backward(sort: Sort) -> list[OrderBy]:
    return [key.backwards() for key in KEYS[sort]]


@dataclass(frozen=True, slots=True)
class Place:
    """Of a row in an order; `values` belong to its keys, one by one."""

    sort: Sort
    values: Sequence[Any]

    @classmethod
    def of(cls, row: Any, sort: Sort) -> Self:
        return cls(sort, tuple(getattr(row, key.name) for key in KEYS[sort]))

    @classmethod
    def read(cls, text: str, sort: Sort) -> Self | None:
        """As it stands in a URL; None where it is no place in this order."""
        parts, keys = text.split(BETWEEN), KEYS[sort]
        if len(parts) != len(keys):
            return None
        try:
            values = tuple(_value(key, part) for key, part in zip(keys, parts, strict=True))
        except (ValueError, InvalidOperation):
            return None
        return cls(sort, values)

    def __str__(self) -> str:
        return BETWEEN.join(map(_written, self.values))

    def after(self) -> Q:
        """What the order has behind this place."""
        found = Q(pk__in=())
        for shared, key, value in self._steps():
            beyond = key.after(value)
            if beyond is not None:
                found |= shared & beyond
        return found

    def before(self) -> Q:
        found = Q(pk__in=())
        for shared, key, value in self._steps():
            found |= shared & key.before(value)
        return found

    def _steps(self) -> list[tuple[Q, Key, Any]]:
        """(what is equal in all keys before this one, the key, its value)."""
        steps, shared = [], Q()
        for key, value in zip(KEYS[self.sort], self.values, strict=True):
            steps.append((shared, key, value))
            shared &= key.equal(value)
        return steps


def _value(key: Key, text: str) -> Any:
    if text:
        return key.read(text)
    if not key.nullable:
        raise ValueError(key.name)
    return None


def _written(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
