"""Worked cases: one JSON object holds every input of one level decision."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from autonomy.policy.asked import UNASKED, Action, Asked, AskingAgent, read_time
from autonomy.policy.decide import LevelDecision
from autonomy.policy.document import PolicyDocument
from autonomy.policy.evaluation import decide
from autonomy.policy.facts import ActionTypeFacts, ChainLink, Facts
from autonomy.policy.reading import (
    Reader,
    nullable,
    read_bool,
    read_count,
    read_fraction,
    read_level,
    read_list,
    read_member,
    read_money,
    read_object,
    read_uuid,
    refuse,
)
from autonomy.vocabulary import Domain, FactsFrom, Level, Recommendation

MAX_COUNT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Case:
    id: str | int
    facts: Facts
    action_type: ActionTypeFacts | None = None
    facts_from: FactsFrom | None = None
    profile_level: Level = Level.SOFT_APPROVAL
    chain: tuple[ChainLink, ...] = ()
    asked: Asked = UNASKED


def read_case(value: object) -> Case:
    """Facts left out are unknown, a profile starts at SOFT_APPROVAL; `expect` is not looked at.

    Raises ReadError naming every wrong field.
    """
    fields = read_object(value, CASE_READERS, required=("id", "facts"))
    fields.pop("expect", None)
    asked = {name: fields.pop(name) for name in ("action", "agent", "now") if name in fields}
    return Case(**fields, asked=Asked(**asked))


def decide_case(case: Case, policy: PolicyDocument) -> LevelDecision:
    """The case's own `facts_from`, where it has one, replaces the policy's."""
    if case.facts_from is not None:
        policy = replace(policy, facts_from=case.facts_from)
    return decide(
        facts=case.facts,
        action_type=case.action_type,
        profile_level=case.profile_level,
        policy=policy,
        asked=case.asked,
        chain=case.chain,
    ).decision


def answer(case: Case, policy: PolicyDocument) -> dict[str, Any]:
    decision = decide_case(case, policy)
    return {
        "id": case.id,
        "level": decision.level.name,
        "binding": list(decision.binding),
        "trace": [contribution.to_json() for contribution in decision.trace],
    }


def _read_id(value: object) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        refuse("must be a string or a whole number")
    return value


def _read_domains(value: object) -> frozenset[Domain]:
    return frozenset(read_list(read_member(Domain))(value))


def _read_facts(value: object) -> Facts:
    return Facts(**read_object(value, FACT_READERS))


def _read_action_type(value: object) -> ActionTypeFacts:
    return ActionTypeFacts(**read_object(value, ACTION_TYPE_READERS))


def _read_action(value: object) -> Action:
    return Action(**read_object(value, ACTION_READERS, required=("type",)))


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        refuse("must be a string")
    return value


def _read_arguments(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        refuse("must be an object")
    return value


def _read_agent(value: object) -> AskingAgent:
    return AskingAgent(**read_object(value, AGENT_READERS, required=("id", "team")))


def _read_link(value: object) -> ChainLink:
    return ChainLink(**read_object(value, LINK_READERS, required=("profile_level",)))


def _read_chain(value: object) -> tuple[ChainLink, ...]:
    return tuple(read_list(_read_link)(value))


_reversible = nullable(read_bool)
_cost: Reader = nullable(read_money)
FACT_READERS: Mapping[str, Reader] = {
    "reversible": _reversible,
    "domains": _read_domains,
    "cost_usd": _cost,
    "confidence": nullable(read_fraction),
    "recommendation": nullable(read_member(Recommendation)),
    "requested_level": nullable(read_level),
    "failures_24h": read_count(0, MAX_COUNT),
}
ACTION_TYPE_READERS: Mapping[str, Reader] = {
    "reversible": _reversible,
    "domains": _read_domains,
    "cost_usd": _cost,
    "floor": nullable(read_level),
    "side_effects": nullable(read_bool),
}
LINK_READERS: Mapping[str, Reader] = {
    "profile_level": read_level,
    "floor": nullable(read_level),
}
ACTION_READERS: Mapping[str, Reader] = {"type": _read_text, "arguments": _read_arguments}
AGENT_READERS: Mapping[str, Reader] = {"id": read_uuid, "team": read_uuid}
CASE_READERS: Mapping[str, Reader] = {
    "id": _read_id,
    "facts": _read_facts,
    "action_type": nullable(_read_action_type),
    "facts_from": read_member(FactsFrom),
    "profile_level": read_level,
    "chain": _read_chain,
    "action": nullable(_read_action),
    "agent": nullable(_read_agent),
    "now": nullable(read_time),
    "expect": lambda value: value,
}
