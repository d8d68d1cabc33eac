"""Level decisions with what the database knows, and the changes that admins make to it."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.events import (
    POLICY_STREAM,
    Actor,
    Event,
    EventType,
    action_type_stream,
    agent_stream,
)
from audit.services import record
from autonomy.models import ActionType, AutonomyProfile, Evaluation, Outcome, PolicyVersion
from autonomy.policy.document import PolicyDocument
from autonomy.policy.evaluation import Evaluated, Policy, plain_value
from autonomy.policy.facts import ActionTypeFacts
from autonomy.vocabulary import Domain, Level
from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.jsonvalues import MAX_DEPTH, find_flaw
from hitlconsole.lib.problems import FieldError, Problem, invalid_field


@lru_cache(maxsize=16)
def policy_version(number: int) -> Policy:
    """Versions are immutable, so that they can be kept."""
    return Policy(number, PolicyDocument.from_json(PolicyVersion.objects.get(pk=number).document))


def current_policy() -> Policy:
    return policy_version(PolicyVersion.objects.values_list("number", flat=True)[:1].get())


def registered_facts(action_type: ActionType | None) -> ActionTypeFacts | None:
    if action_type is None:
        return None
    return ActionTypeFacts(
        reversible=action_type.reversible,
        domains=frozenset(Domain(domain) for domain in action_type.domains),
        cost_usd=action_type.cost_usd,
        floor=None if action_type.floor is None else Level(action_type.floor),
        side_effects=action_type.side_effects,
    )


def keep_evaluation(
    evaluated: Evaluated, *, request_id: UUID, agent_id: UUID, action_type: str
) -> Evaluation:
    return Evaluation.objects.create(
        request_id=request_id,
        agent_id=agent_id,
        action_type=action_type,
        policy_id=evaluated.policy.number,
        inputs=evaluated.inputs,
        level=evaluated.level,
        trace=evaluated.trace,
    )


def profile_level(agent_id: UUID, action_type: str) -> Level:
    """SOFT_APPROVAL until the profile has moved."""
    profiles = AutonomyProfile.objects.filter(agent=agent_id, action_type=action_type)
    level = profiles.values_list("level", flat=True).first()
    return Level.SOFT_APPROVAL if level is None else Level(level)


def failures_in_window(agent: Agent, policy: Policy, now: datetime) -> int:
    """The agent's failures over all action types, since its last release at the earliest."""
    since = now - timedelta(hours=policy.document.failure_window_hours)
    if agent.failures_since is not None:
        since = max(since, agent.failures_since)
    return Outcome.objects.filter(
        agent=agent, result=Outcome.Result.FAILURE, reported_at__gt=since
    ).count()


def lift_from_takeover(agent: Agent, *, by: Actor, now: datetime) -> list[Event]:
    """After a release: profiles at HUMAN_TAKEOVER go to HARD_APPROVAL. Returns the events."""
    stuck = AutonomyProfile.objects.select_for_update().filter(
        agent=agent, level=Level.HUMAN_TAKEOVER
    )
    events = [_moved(profile, Level.HARD_APPROVAL, by, "released") for profile in stuck]
    stuck.update(level=Level.HARD_APPROVAL, streak=0)
    return events


def _moved(profile: AutonomyProfile, level: Level, by: Actor, cause: str) -> Event:
    return Event(
        EventType.PROFILE_MOVED,
        agent_stream(profile.agent_id),
        by,
        agent_id=profile.agent_id,
        action_type=profile.action_type,
        level=level.name,
        payload={"from": Level(profile.level).name, "to": level.name, "cause": cause},
    )


@transaction.atomic
def move_profile(
    *, agent: Agent, action_type: str, level: Level, reason: str, by: Actor
) -> AutonomyProfile:
    """An admin promotes or demotes by hand; the streak starts again. A reason is required."""
    if not reason.strip():
        raise invalid_field("reason", "Say why: it goes on the record.")
    profile, _ = AutonomyProfile.objects.select_for_update().get_or_create(
        agent=agent, action_type=action_type
    )
    event = _moved(profile, level, by, "admin")
    profile.level, profile.streak = level, 0
    profile.save(update_fields=["level", "streak"])
    event.personal["reason"] = reason
    record([event], at=database_now())
    return profile


# The record of its registration holds the schema in a list.
MAX_SCHEMA_DEPTH = MAX_DEPTH - 1
ACTION_TYPE_FACTS = (
    "reversible",
    "domains",
    "cost_usd",
    "floor",
    "side_effects",
    "soft_seconds",
    "hard_seconds",
    "quorum",
)


@transaction.atomic
def save_action_type(action_type: ActionType, *, by: Actor) -> ActionType:
    """Register or change an action type; the event holds the facts before and after.

    Raises invalid_request where the schema could not be kept on record.
    """
    flaw = find_flaw(action_type.arguments_schema, max_depth=MAX_SCHEMA_DEPTH)
    if flaw:
        raise invalid_field("arguments_schema", flaw.msg)
    before = ActionType.objects.select_for_update().filter(pk=action_type.pk).first()
    action_type.save()
    kind = EventType.ACTION_TYPE_CHANGED if before else EventType.ACTION_TYPE_CREATED
    payload = {
        "before": _registration(before) if before else None,
        "after": _registration(action_type),
    }
    event = Event(
        kind,
        action_type_stream(action_type.pk),
        by,
        action_type=action_type.name,
        payload=payload,
        personal=_described(action_type),
    )
    record([event], at=database_now())
    return action_type


def _described(action_type: ActionType) -> dict[str, Any]:
    described = {
        "description": action_type.description,
        "schema": action_type.arguments_schema,
    }
    return {name: value for name, value in described.items() if value}


def _registration(action_type: ActionType) -> dict[str, Any]:
    facts = {name: _registered_value(getattr(action_type, name)) for name in ACTION_TYPE_FACTS}
    return facts | {"team_id": str(action_type.team_id) if action_type.team_id else None}


def _registered_value(value: Any) -> Any:
    return list(value) if isinstance(value, list) else plain_value(value)


@transaction.atomic
def publish_policy(document: PolicyDocument, *, note: str, by: User, actor: Actor) -> PolicyVersion:
    """The next version; earlier ones stay as they are. Raises invalid_request for a rule that
    names a team which does not exist.
    """
    _refuse_unknown_teams(document)
    PolicyVersion.objects.select_for_update().filter(pk=current_policy().number).get()
    number = current_policy().number + 1
    version = PolicyVersion.objects.create(
        number=number, document=document.to_json(), note=note, published_by=by
    )
    event = Event(
        EventType.POLICY_PUBLISHED,
        POLICY_STREAM,
        actor,
        policy_version=number,
        payload={"document": document.to_json()},
        personal={"note": note},
    )
    record([event], at=database_now())
    return version


def _refuse_unknown_teams(document: PolicyDocument) -> None:
    named = {rule.team for rule in document.rules if rule.team is not None}
    known = set(Team.objects.filter(pk__in=named).values_list("pk", flat=True))
    errors = [
        FieldError(("rules", place, "team"), "no team has this id")
        for place, rule in enumerate(document.rules)
        if rule.team is not None and rule.team not in known
    ]
    if errors:
        raise Problem("invalid_request", errors[0].msg, errors=errors)


def store_outcome(
    *,
    request_id: UUID,
    agent_id: UUID,
    action_type: str,
    result: str,
    source: str,
    details: Any,
    at: datetime,
) -> tuple[Outcome, bool]:
    """(outcome, stored now): a request has one outcome, a repeated report changes nothing.

    Raises outcome_conflict where another result stands.
    """
    outcome, created = Outcome.objects.get_or_create(
        request_id=request_id,
        defaults={
            "agent_id": agent_id,
            "action_type": action_type,
            "result": result,
            "source": source,
            "details": details,
            "reported_at": at,
        },
    )
    if outcome.result != result:
        raise Problem("outcome_conflict", f"The outcome “{outcome.result}” is on record already.")
    return outcome, created
