"""From an expression to a condition that can be kept.

What can be known beforehand is refused beforehand: names that don't exist, results that are
neither true nor false, comprehensions inside of comprehensions. What is left fails when it is run.
"""

import re
from collections.abc import Collection

from autonomy.policy.asked import SAMPLE
from autonomy.policy.conditions import Condition, failure_words, kind_words
from autonomy.policy.engine import new_context, parse
from autonomy.policy.reading import refuse
from autonomy.policy.zones import ZONED, zone_or_none

MAX_LENGTH = 2000
CONVERSIONS = frozenset(("int", "uint", "double", "string", "bytes", "type"))
TYPES = CONVERSIONS | {"bool", "list", "map", "null_type"}
TEXT_FUNCTIONS = frozenset(("size", "contains", "startsWith", "endsWith", "matches"))
TIME_FUNCTIONS = frozenset(("duration", "timestamp", "getSeconds", "getMilliseconds")) | set(ZONED)
FUNCTIONS = CONVERSIONS | TEXT_FUNCTIONS | TIME_FUNCTIONS | {"dyn"}

# Control characters, and halves of surrogate pairs.
_UNREADABLE = re.compile(r"[^\t\n\r -~\u00a0-\ud7ff\ue000-\U0010ffff]")
_OPERATOR = re.compile(r"[!-]?[_@].*")
_QUOTED = re.compile(
    r"""//[^\n]*
    | [rR][bB]? (?P<raw>\"\"\"|'''|"|') (?:(?!(?P=raw)).)* (?P=raw)
    | (?P<quote>\"\"\"|'''|"|') (?:\\.|(?!(?P=quote)).)* (?P=quote)""",
    re.VERBOSE | re.DOTALL,
)
_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(\s*(?P<bound>\w+)\s*,")
_MEMBER = re.compile(
    r"(?<![\w.])(?P<variable>action|facts|agent)\s*\.\s*(?P<member>\w+)\b(?!\s*\()"
)
_ZONE = re.compile(r"""\.\s*get[A-Z]\w+\s*\(\s*(["'])(?P<zone>[^"'\\]*)\1\s*\)""")
_COMPLAINT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
# Each time through may double what the time before it has collected.
MAX_LOOPS = 3


def read_condition(value: object) -> Condition:
    """Raises ReadError saying what is wrong with the expression."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH or _UNREADABLE.search(value):
        refuse(f"must be a CEL expression of 1 to {MAX_LENGTH} characters that can be read")
    try:
        program = parse(value)
    except ValueError as error:
        refuse(f"does not compile: {_parser_words(error)}")
    bare = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), value)
    loops = list(_LOOP.finditer(bare))
    condition = Condition(
        source=value,
        program=program,
        variables=frozenset(program.variables()) - TYPES - {loop["bound"] for loop in loops},
        functions=frozenset(f for f in program.functions() if not _OPERATOR.fullmatch(f)),
        loops=bool(loops),
        names=_count_names(bare, program.variables()),
    )
    _refuse_unknown("variable", condition.variables, SAMPLE)
    _refuse_unknown("function", condition.functions, FUNCTIONS)
    _check_members(bare)
    _check_zones(value)
    _check_loops(bare, loops)
    _try_on_sample(condition)
    return condition


def _count_names(bare: str, names: Collection[str]) -> int:
    used = "|".join(map(re.escape, names))
    return len(re.findall(rf"(?<![\w.])(?:{used})\b", bare)) if names else 0


def _refuse_unknown(kind: str, used: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(used) - set(known))
    if unknown:
        refuse(f"there is no {kind} “{unknown[0]}”; there are {', '.join(sorted(known))}")


def _check_members(bare: str) -> None:
    for used in _MEMBER.finditer(bare):
        members = SAMPLE[used["variable"]]
        if used["member"] not in members:
            refuse(f"{used['variable']} has no “{used['member']}”; it has {', '.join(members)}")


def _check_zones(source: str) -> None:
    for call in _ZONE.finditer(source):
        if zone_or_none(call["zone"]) is None:
            refuse(f"there is no time zone “{call['zone']}”; one is “Europe/Madrid”")


def _check_loops(bare: str, loops: Collection[re.Match[str]]) -> None:
    """One inside another would take as long as the product of their lengths."""
    if len(loops) > MAX_LOOPS:
        refuse(f"must not go through lists more than {MAX_LOOPS} times")
    starts = [loop.start() for loop in loops]
    for loop in loops:
        end = _closing(bare, loop.end())
        if any(loop.start() < start < end for start in starts):
            refuse("must not go through a list inside of going through another")


def _closing(bare: str, inside: int) -> int:
    """Where the parenthesis closes that is open at this place."""
    depth = 1
    for place in range(inside, len(bare)):
        depth += {"(": 1, ")": -1}.get(bare[place], 0)
        if depth == 0:
            return place
    return len(bare)


def _try_on_sample(condition: Condition) -> None:
    """What fails there for its types or functions would fail on requests, too."""
    try:
        result = condition.program.execute(new_context(dict(SAMPLE), dict(ZONED)))
    except (ArithmeticError, LookupError):
        return  # for want of arguments, or for the sample's own numbers
    except (RuntimeError, TypeError, ValueError) as error:
        refuse(f"fails on a sample request: {failure_words(error, condition.source)}")
    if not isinstance(result, bool):
        refuse(f"must be true or false; on a sample request it is {kind_words(result)}")


def _parser_words(error: ValueError) -> str:
    """The first complaint, without the list of all that might have stood there."""
    found = _COMPLAINT.search(str(error))
    if found is None or "Recursion limit" in found[3]:
        return "it is nested too deeply"
    words = found[3].partition(" expecting ")[0]
    return f"{words} (line {found[1]}, column {found[2]})"
