"""The condition of a rule: a compiled CEL expression, run on what is known of one request."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from autonomy.policy.engine import Program, new_context
from autonomy.policy.zones import ZONED

# Of values copied: the engine copies a variable whole wherever it is named, at each step of a
# comprehension, and what `map` and `filter` have collected. The agent chooses how much that is.
MAX_COPIED = 4_000_000

_KINDS = {str: "a text", bytes: "bytes", list: "a list", dict: "an object", type(None): "null"}


class ConditionFailed(Exception):
    """A condition that has no answer for this request; says why in words of our own."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Equal to another of the same source. `loops`: it goes through lists; `names`: how often it
    names a variable, of the request's or of a comprehension."""

    source: str
    program: Program = field(compare=False, repr=False)
    variables: frozenset[str] = field(compare=False, repr=False)
    functions: frozenset[str] = field(compare=False, repr=False)
    loops: bool = field(compare=False, repr=False)
    names: int = field(compare=False, repr=False)

    def copied(self, values: int, longest: int) -> int:
        """How many values an evaluation copies at most, of arguments with so many in all."""
        return values * self.names * (longest if self.loops else 1)


def context_for(
    conditions: Collection[Condition], known: Mapping[str, Callable[[], object]]
) -> object:
    """What all these conditions need of it, made once for a request. Raises ConditionFailed."""
    names = {name for condition in conditions for name in condition.variables}
    called = {name for condition in conditions for name in condition.functions}
    variables = {name: known[name]() for name in names if name in known}
    try:
        return new_context(variables, {name: ZONED[name] for name in called if name in ZONED})
    except ValueError:
        raise ConditionFailed("the request has a value that rules can't read") from None


def holds(condition: Condition, context: object) -> bool:
    """Raises ConditionFailed."""
    try:
        result = condition.program.execute(context)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ConditionFailed(failure_words(error, condition.source)) from None
    if not isinstance(result, bool):
        raise ConditionFailed(f"its result is {kind_words(result)}, not true or false")
    return result


def measure(value: object) -> tuple[int, int]:
    """(values in all, entries of the longest list or object) inside, at least 1 each."""
    if not isinstance(value, list | dict):
        return 1, 1
    members = list(map(measure, value.values() if isinstance(value, dict) else value))
    values = 1 + sum(inside for inside, _ in members)
    return values, max(1, len(value), *(longest for _, longest in members))


def failure_words(error: Exception, source: str) -> str:
    """In our own words: those of the engine can hold values of the request."""
    match error:
        case KeyError() if (key := str(error.args[0])) in source:
            return f"there is no “{key}”"
        case KeyError():
            return "a member is missing"
        case IndexError():
            return "a list is too short"
        case ZeroDivisionError():
            return "it divides by zero"
        case ArithmeticError():
            return "a number is out of range"
        case TypeError():
            return "it compares or combines values of different types, or null"
        case _:
            return "a function can't take its value, or a part of the request is not known"


def kind_words(value: object) -> str:
    return _KINDS.get(type(value), "a number" if isinstance(value, int | float) else "a time")
