"""Strict readers: from parsed JSON to typed values, with every wrong field named."""

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn, TypedDict, TypeVar
from uuid import UUID

from autonomy.policy.facts import exact_decimal
from autonomy.vocabulary import Level

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)
Reader = Callable[[object], Any]

MINUTE, DAY, YEAR = 60, 86_400, 365 * 86_400
MONEY = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")


class FieldError(TypedDict):
    loc: list[str | int]
    msg: str


class ReadError(ValueError):
    """Values that can't be read: `errors` names each place and says what is wrong there."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(error["msg"] for error in errors))
        self.errors = errors

    def inside(self, place: str | int) -> list[FieldError]:
        return [{"loc": [place, *error["loc"]], "msg": error["msg"]} for error in self.errors]


def refuse(msg: str) -> NoReturn:
    raise ReadError([{"loc": [], "msg": msg}])


def read_object(
    value: object, readers: Mapping[str, Reader], required: Collection[str] = ()
) -> dict[str, Any]:
    """The fields that are there. Raises ReadError with all that are wrong, unknown or missing."""
    if not isinstance(value, dict):
        refuse("must be an object")
    errors: list[FieldError] = [
        {"loc": [name], "msg": "is required"} for name in required if name not in value
    ]
    fields: dict[str, Any] = {}
    for name, raw in value.items():
        try:
            fields[name] = readers.get(name, _unknown_field)(raw)
        except ReadError as error:
            errors.extend(error.inside(name))
    if errors:
        raise ReadError(errors)
    return fields


def _unknown_field(_value: object) -> NoReturn:
    refuse("unknown field")


def read_list(reader: Callable[[object], T]) -> Callable[[object], list[T]]:
    def read(value: object) -> list[T]:
        if not isinstance(value, list):
            refuse("must be a list")
        items: list[T] = []
        errors: list[FieldError] = []
        for index, item in enumerate(value):
            try:
                items.append(reader(item))
            except ReadError as error:
                errors.extend(error.inside(index))
        if errors:
            raise ReadError(errors)
        return items

    return read


def nullable(reader: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else reader(value)


def read_bool(value: object) -> bool:
    if not isinstance(value, bool):
        refuse("must be true or false")
    return value


def read_count(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            refuse(f"must be a whole number from {low} to {high}")
        return value

    return read


read_seconds = read_count(1, YEAR)


def read_fraction(value: object) -> Decimal:
    # Not "value < 0 or value > 1": NaN must fail it too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        refuse("must be a number from 0 to 1")
    return exact_decimal(value)


def read_money(value: object) -> Decimal:
    if not isinstance(value, str) or not MONEY.fullmatch(value):
        refuse('must be a decimal string such as "420.00"')
    return Decimal(value)


def read_uuid(value: object) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        refuse("must be an id such as 01890a5d-ac96-774b-bcce-b302099a8057")


def read_level(value: object) -> Level:
    if not isinstance(value, str) or value not in Level.__members__:
        refuse(f"must be one of {', '.join(Level.__members__)}")
    return Level[value]


def read_member(words: type[Word]) -> Callable[[object], Word]:
    def read(value: object) -> Word:
        known = [word.value for word in words]
        if not isinstance(value, str) or value not in known:
            refuse(f"must be one of {', '.join(known)}")
        return words(value)

    return read
