"""People, teams, agents and keys: every change with its event in the same transaction."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit.events import (
    SYSTEM,
    Actor,
    ActorKind,
    Event,
    EventType,
    agent_stream,
    person_stream,
    team_stream,
)
from audit.services import record
from hitlconsole.accounts.keys import AGENT_SCOPES, digest_key, new_secret
from hitlconsole.accounts.models import (
    Agent,
    ApiKey,
    Membership,
    Role,
    Scope,
    SignInLink,
    Team,
    User,
)
from hitlconsole.lib.clock import HitlNow, database_now

LINK_LIFETIME = timedelta(days=1)
DEFAULT_TEAM = "Default"


def person(user: User) -> Actor:
    return Actor(ActorKind.PERSON, user.id)


@transaction.atomic
def ensure_team(name: str, *, by: Actor = SYSTEM) -> Team:
    team, created = Team.objects.get_or_create(name=name)
    if created:
        event = Event(EventType.TEAM_CREATED, team_stream(team.id), by, personal={"name": name})
        record([event], at=database_now())
    return team


@transaction.atomic
def ensure_person(email: str, *, name: str = "", admin: bool = False, by: Actor = SYSTEM) -> User:
    """The person with this address (compared without case), created or promoted as needed."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        user = User.objects.create_user(email, name=name)
        _record_person(EventType.PERSON_CREATED, user, by, {"admin": admin})
    if admin and not user.is_superuser:
        user.is_superuser = user.is_staff = True
        user.save(update_fields=["is_superuser", "is_staff"])
        _record_person(EventType.MEMBERSHIP_CHANGED, user, by, {"admin": True})
    return user


def _record_person(kind: EventType, user: User, by: Actor, payload: dict[str, Any]) -> None:
    personal = {"name": user.name, "email": user.email}
    event = Event(kind, person_stream(user.id), by, payload=payload, personal=personal)
    record([event], at=database_now())


@transaction.atomic
def set_membership(
    user: User, team: Team, role: Role, *, member: bool = True, by: Actor = SYSTEM
) -> None:
    """Give or take a role; nothing happens where it is so already."""
    if member:
        _, changed = Membership.objects.get_or_create(user=user, team=team, role=role)
    else:
        changed = bool(Membership.objects.filter(user=user, team=team, role=role).delete()[0])
    if changed:
        payload = {"team_id": str(team.id), "role": role.value, "member": member}
        event = Event(EventType.MEMBERSHIP_CHANGED, person_stream(user.id), by, payload=payload)
        record([event], at=database_now())


@transaction.atomic
def create_agent(
    *, name: str, team: Team, owner: User | None = None, description: str = "", by: Actor = SYSTEM
) -> Agent:
    agent = Agent.objects.create(name=name, team=team, owner=owner, description=description)
    payload = {"team_id": str(team.id), "owner_id": str(owner.id) if owner else None}
    _record_agent(EventType.AGENT_CREATED, agent.id, by, payload, {"name": name})
    return agent


@transaction.atomic
def change_agent(
    agent: Agent, *, description: str, team: Team, owner: User | None, disabled: bool, by: Actor
) -> Agent:
    """Describe, move or disable. Read-only is left to takeovers and their release."""
    # Whoever adds to the agent (a key, a profile) holds its key share: that must not clash.
    agent = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    agent.description, agent.team, agent.owner = description, team, owner
    if disabled:
        agent.status = Agent.Status.DISABLED
    elif agent.status == Agent.Status.DISABLED:
        agent.status = Agent.Status.READ_ONLY if agent.read_only_since else Agent.Status.ACTIVE
    agent.save(update_fields=["description", "team", "owner", "status"])
    payload = {
        "team_id": str(team.id),
        "owner_id": str(owner.id) if owner else None,
        "status": agent.status,
    }
    _record_agent(EventType.AGENT_CHANGED, agent.id, by, payload, {"description": description})
    return agent


def _record_agent(
    kind: EventType,
    agent_id: UUID,
    by: Actor,
    payload: dict[str, Any],
    personal: dict[str, Any] | None = None,
) -> None:
    stream = agent_stream(agent_id)
    event = Event(kind, stream, by, agent_id=agent_id, payload=payload, personal=personal or {})
    record([event], at=database_now())


@transaction.atomic
def create_key(
    agent: Agent,
    *,
    scopes: Iterable[Scope] = AGENT_SCOPES,
    expires_at: datetime | None = None,
    by: Actor = SYSTEM,
) -> tuple[ApiKey, str]:
    """(key, secret): the secret is shown once and kept nowhere."""
    prefix, secret = new_secret()
    key = ApiKey.objects.create(
        agent=agent,
        prefix=prefix,
        digest=digest_key(secret),
        scopes=[scope.value for scope in scopes],
        expires_at=expires_at,
    )
    payload = {"key_id": str(key.id), "prefix": prefix, "scopes": key.scopes}
    _record_agent(EventType.KEY_CREATED, agent.id, by, payload)
    return key, secret


@transaction.atomic
def create_service_key(service: str, *, by: Actor = SYSTEM) -> tuple[ApiKey, str]:
    """A key with which an outside system decides for people; shown once."""
    prefix, secret = new_secret()
    key = ApiKey.objects.create(
        service=service, prefix=prefix, digest=digest_key(secret), scopes=[Scope.DECIDE.value]
    )
    payload = {"key_id": str(key.id), "prefix": prefix, "scopes": key.scopes}
    stream = f"service_key:{key.id}"
    event = Event(EventType.KEY_CREATED, stream, by, payload=payload, personal={"service": service})
    record([event], at=database_now())
    return key, secret


@transaction.atomic
def revoke_key(key: ApiKey, *, by: Actor) -> None:
    """At once and for good; a second revocation changes nothing."""
    changed = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=HitlNow())
    if not changed:
        return
    stream = agent_stream(key.agent_id) if key.agent_id else f"service_key:{key.id}"
    payload = {"key_id": str(key.id), "prefix": key.prefix}
    event = Event(EventType.KEY_REVOKED, stream, by, agent_id=key.agent_id, payload=payload)
    record([event], at=database_now())


@transaction.atomic
def create_sign_in_link(user: User, *, by: Actor = SYSTEM) -> str:
    """The absolute URL of a link that signs this person in once, within a day."""
    token = secrets.token_urlsafe(32)
    now = database_now()
    SignInLink.objects.create(
        digest=hashlib.sha256(token.encode()).digest(), user=user, expires_at=now + LINK_LIFETIME
    )
    event = Event(EventType.SIGN_IN_LINK_CREATED, person_stream(user.id), by)
    record([event], at=now)
    return str(settings.BASE_URL) + reverse("accounts:sign-in-link", args=[token])


def redeem_sign_in_link(token: str) -> User | None:
    """The person of a link that is unused and in time; uses it up. None otherwise."""
    digest = hashlib.sha256(token.encode()).digest()
    usable = SignInLink.objects.filter(
        digest=digest, used_at=None, expires_at__gt=HitlNow(), user__is_active=True
    )
    if not usable.update(used_at=HitlNow()):
        return None
    return User.objects.get(signinlink__digest=digest)


@transaction.atomic
def record_sign_in(user: User, *, method: str) -> None:
    event = Event(
        EventType.SIGNED_IN, person_stream(user.id), person(user), payload={"method": method}
    )
    record([event], at=database_now())


@transaction.atomic
def record_sign_out(user: User) -> None:
    event = Event(EventType.SIGNED_OUT, person_stream(user.id), person(user))
    record([event], at=database_now())
