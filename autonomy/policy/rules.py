"""A policy's own rules: conditions that raise the level where they match.

The decision takes rules that were evaluated already, as contributions with the source `rules`.
No language for the conditions is built in yet, so `read_rules` refuses every rule: a stored
policy never promises a check that would not run.
"""

from dataclasses import dataclass

from autonomy.policy.reading import refuse
from autonomy.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    when: str
    level: Level
    team: str | None = None
    quorum: int | None = None
    soft_seconds: int | None = None
    hard_seconds: int | None = None


def read_rules(value: object) -> tuple[Rule, ...]:
    if not isinstance(value, list):
        refuse("must be a list")
    if value:
        refuse("rules are not supported by this version")
    return ()
