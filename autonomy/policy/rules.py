"""A policy's own rules: conditions that raise the level where they match, and may set terms.

A rule that has no answer fails closed: it raises to HARD_APPROVAL at least, and of its terms those
count that make the decision stricter or sooner.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from autonomy.policy.asked import Asked, variables_of
from autonomy.policy.condition_reading import read_condition
from autonomy.policy.conditions import (
    MAX_COPIED,
    Condition,
    ConditionFailed,
    context_for,
    holds,
    measure,
)
from autonomy.policy.facts import ChainLink, EffectiveFacts, Facts
from autonomy.policy.reading import (
    FieldError,
    Reader,
    ReadError,
    nullable,
    read_count,
    read_level,
    read_list,
    read_object,
    read_seconds,
    read_uuid,
    refuse,
)
from autonomy.policy.trace import Contribution
from autonomy.vocabulary import Level, Source

MAX_RULES = 100
MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """`level` is what the rule raises to; the terms are None where it leaves them to others."""

    name: str
    when: Condition
    level: Level
    team: UUID | None = None
    quorum: int | None = None
    soft_seconds: int | None = None
    hard_seconds: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "when": self.when.source,
            "level": self.level.name,
            "team": None if self.team is None else str(self.team),
            "quorum": self.quorum,
            "soft_seconds": self.soft_seconds,
            "hard_seconds": self.hard_seconds,
        }


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """What the rules say of who decides how and when. None: nothing."""

    team: UUID | None = None
    quorum: int | None = None
    soft_seconds: int | None = None
    hard_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rules made of one request."""

    contributions: tuple[Contribution, ...] = ()
    terms: RuleTerms = RuleTerms()


UNRULED = Ruled()


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A rule that matches, or that failed."""

    rule: Rule
    failure: str | None = None

    @property
    def contribution(self) -> Contribution:
        if self.failure is None:
            return Contribution(Source.RULES, self.rule.level, f"rule “{self.rule.name}”")
        level = max(self.rule.level, Level.HARD_APPROVAL)
        reason = f"rule “{self.rule.name}” could not be evaluated: {self.failure}"
        return Contribution(Source.RULES, level, reason)


def apply_rules(
    rules: Sequence[Rule],
    *,
    asked: Asked,
    facts: Facts,
    effective: EffectiveFacts,
    chain: Sequence[ChainLink] = (),
) -> Ruled:
    """Never raises: a rule that can't be evaluated says so in its contribution."""
    if not rules:
        return UNRULED
    try:
        context = context_for(
            [rule.when for rule in rules], variables_of(asked, facts, effective, chain)
        )
    except ConditionFailed as failed:
        verdicts = [_Verdict(rule, str(failed)) for rule in rules]
    else:
        verdicts = list(_verdicts(rules, context, asked))
    return Ruled(tuple(verdict.contribution for verdict in verdicts), _strictest(verdicts))


def _verdicts(rules: Iterable[Rule], context: object, asked: Asked) -> Iterator[_Verdict]:
    """What the rules may copy is shared by all: a hundred of them take no longer than one."""
    values, longest = (1, 1) if asked.action is None else measure(asked.action.arguments)
    copied = 0
    for rule in rules:
        copied += rule.when.copied(values, longest)
        if copied > MAX_COPIED:
            yield _Verdict(rule, "the arguments are too many for it to go through")
            continue
        try:
            if holds(rule.when, context):
                yield _Verdict(rule)
        except ConditionFailed as failed:
            yield _Verdict(rule, str(failed))


def _strictest(verdicts: Sequence[_Verdict]) -> RuleTerms:
    """More approvals, more time before silence counts, less until it escalates.

    No team is stricter than another: the first in the document's order counts, and none of a rule
    that failed, so that what an agent leaves out doesn't choose who decides.
    """
    rules = [verdict.rule for verdict in verdicts]
    teams = (v.rule.team for v in verdicts if v.failure is None and v.rule.team is not None)
    return RuleTerms(
        team=next(teams, None),
        quorum=max((r.quorum for r in rules if r.quorum is not None), default=None),
        soft_seconds=max(
            (r.soft_seconds for r in rules if r.soft_seconds is not None), default=None
        ),
        hard_seconds=min(
            (r.hard_seconds for r in rules if r.hard_seconds is not None), default=None
        ),
    )


def read_rules(value: object) -> tuple[Rule, ...]:
    """Raises ReadError naming each wrong field of each rule."""
    rules = read_list(_read_rule)(value)
    if len(rules) > MAX_RULES:
        refuse(f"must not be more than {MAX_RULES} rules")
    names = [rule.name for rule in rules]
    errors: list[FieldError] = [
        {"loc": [index, "name"], "msg": "is the name of an earlier rule"}
        for index, name in enumerate(names)
        if name in names[:index]
    ]
    if errors:
        raise ReadError(errors)
    return tuple(rules)


def _read_rule(value: object) -> Rule:
    return Rule(**read_object(value, RULE_READERS, required=("name", "when", "level")))


def _read_name(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= MAX_NAME:
        refuse(f"must be one line of 1 to {MAX_NAME} characters")
    return value


RULE_READERS: Mapping[str, Reader] = {
    "name": _read_name,
    "when": read_condition,
    "level": read_level,
    "team": nullable(read_uuid),
    "quorum": nullable(read_count(1, 100)),
    "soft_seconds": nullable(read_seconds),
    "hard_seconds": nullable(read_seconds),
}
