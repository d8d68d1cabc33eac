"""Changing whom a team tells: escalation policy, rotations, absences. Each change is on record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from approvals.escalation.policy import EscalationPolicy, TargetKind, Tier
from approvals.models import (
    OPEN_VALUES,
    Absence,
    NotificationChannel,
    OnCallRotation,
    RotationOverride,
    TeamEscalation,
)
from approvals.services.tiers import escalation_of
from audit.events import Event, EventType, person_stream, team_stream
from audit.services import record
from autonomy.policy.reading import ReadError
from hitlconsole.accounts.models import Membership, Role, Team, User
from hitlconsole.accounts.services import person
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import FieldError, Problem, invalid_field

_TELL_OPEN = """
UPDATE approvals_approvalrequest SET last_tier = %(last)s
WHERE id IN (
    SELECT id FROM approvals_approvalrequest
    WHERE team_id = %(team)s AND status = ANY(%(open)s) AND last_tier <> %(last)s
    ORDER BY id FOR NO KEY UPDATE
)
"""


@transaction.atomic
def save_escalation(
    team: Team, document: dict[str, Any], *, revision: int, by: User
) -> TeamEscalation:
    """Replace a team's escalation policy; what is open goes by the new one from its next step on.

    `revision` is the one that the form showed (0: none of its own yet). Raises invalid_request,
    which names every wrong field, and stale_revision.
    """
    policy = read_policy(document)
    _refuse_unknown(team, policy)
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    kept = TeamEscalation.objects.filter(pk=team.pk).first() or TeamEscalation(team=team)
    before = 0 if kept._state.adding else kept.revision
    if before != revision:
        raise Problem("stale_revision", "Somebody else has changed it: look again.")
    kept.document, kept.revision = policy.to_json(), before + 1
    kept.last_tier, kept.first_seconds = policy.last_tier, policy.tier(0).seconds
    now = database_now()
    kept.updated_at = now
    kept.save()
    _tell_open_requests(team.pk, policy.last_tier)
    payload = {"what": "policy", "revision": kept.revision, "steps": policy.steps}
    _record(team, by, payload, {"document": kept.document}, now)
    return kept


def read_policy(document: dict[str, Any]) -> EscalationPolicy:
    """Raises invalid_request."""
    try:
        return EscalationPolicy.from_json(document)
    except ReadError as error:
        errors = [FieldError(tuple(one["loc"]), one["msg"]) for one in error.errors]
        raise Problem("invalid_request", "Look at the marked fields.", errors=errors) from None


def _tell_open_requests(team_id: UUID, last_tier: int) -> None:
    values: dict[str, Any] = {"last": last_tier, "team": team_id, "open": OPEN_VALUES}
    with connection.cursor() as cursor:
        cursor.execute(_TELL_OPEN, values)


def _refuse_unknown(team: Team, policy: EscalationPolicy) -> None:
    """Whoever and whatever is named is there, and of use to this team."""
    known = _known(team)
    errors = [
        error
        for number, tier in enumerate(policy.tiers)
        for error in _unknown_in(number, tier, known)
    ]
    if errors:
        raise Problem("invalid_request", "Look at the marked fields.", errors=errors)


def _known(team: Team) -> dict[str, set[UUID]]:
    deciders = Membership.objects.filter(team=team, role__in=[Role.REVIEWER, Role.ADMIN])
    channels = NotificationChannel.objects.filter(Q(team=team) | Q(team=None))
    return {
        TargetKind.PERSON: set(deciders.values_list("user", flat=True)),
        TargetKind.TEAM: set(Team.objects.values_list("pk", flat=True)),
        TargetKind.ROTATION: set(
            OnCallRotation.objects.filter(team=team).values_list("pk", flat=True)
        ),
        "channel": set(channels.values_list("pk", flat=True)),
    }


def _unknown_in(number: int, tier: Tier, known: dict[str, set[UUID]]) -> list[FieldError]:
    wrong = {
        TargetKind.PERSON: "must be a reviewer or an admin of the team",
        TargetKind.TEAM: "must be a team",
        TargetKind.ROTATION: "must be a rotation of the team",
    }
    errors = [
        FieldError(("tiers", number, "targets", place), wrong[target.kind])
        for place, target in enumerate(tier.targets)
        if target.id is not None and target.id not in known[target.kind]
    ]
    for use, channels in (("primary", tier.primary), ("backup", tier.backup)):
        errors += [
            FieldError(("tiers", number, use, place), "must be a channel of the team")
            for place, channel in enumerate(channels)
            if channel not in known["channel"]
        ]
    return errors


@transaction.atomic
def save_rotation(rotation: OnCallRotation, *, by: User) -> OnCallRotation:
    """A new one, or a changed one. Raises invalid_request where the name is taken."""
    same = OnCallRotation.objects.filter(team=rotation.team, name__iexact=rotation.name)
    if same.exclude(pk=rotation.pk).exists():
        raise invalid_field("name", "must differ from the team's other rotations")
    members = set(
        Membership.objects.filter(team=rotation.team, user__in=rotation.people)
        .exclude(role=Role.COMPLIANCE)
        .values_list("user", flat=True)
    )
    if not rotation.people or set(rotation.people) - members:
        raise invalid_field("people", "must be one or more reviewers or admins of the team")
    rotation.save()
    payload = {"what": "rotation", "rotation_id": str(rotation.id)}
    people = [str(one) for one in rotation.people]
    fields = {"name": rotation.name, "people": people, "at": rotation.at.isoformat()}
    _record(rotation.team, by, payload, fields, database_now())
    return rotation


@transaction.atomic
def delete_rotation(rotation: OnCallRotation, *, by: User) -> None:
    """Raises not_waiting while the escalation policy names it: its tier would tell nobody."""
    policy = escalation_of(rotation.team_id)
    if any(target.id == rotation.pk for tier in policy.tiers for target in tier.targets):
        raise invalid_field("rotation", "is named by the escalation policy: take it out there")
    payload = {"what": "rotation_deleted", "rotation_id": str(rotation.pk)}
    _record(rotation.team, by, payload, {"name": rotation.name}, database_now())
    rotation.delete()


@transaction.atomic
def add_override(
    rotation: OnCallRotation, user: User, begin: datetime, end: datetime, *, by: User
) -> RotationOverride:
    if end <= begin:
        raise invalid_field("ends_at", "must be after the begin")
    made = RotationOverride.objects.create(
        rotation=rotation, user=user, starts_at=begin, ends_at=end
    )
    payload = {"what": "override", "rotation_id": str(rotation.id), "user_id": str(user.id)}
    _record(rotation.team, by, payload, {}, database_now())
    return made


@transaction.atomic
def remove_override(override: RotationOverride, *, by: User) -> None:
    rotation = override.rotation
    payload = {"what": "override_removed", "rotation_id": str(rotation.id)}
    _record(rotation.team, by, payload, {}, database_now())
    override.delete()


@transaction.atomic
def add_absence(
    user: User, begin: datetime, end: datetime, substitute: User | None, *, by: User
) -> Absence:
    """Out of office. Raises invalid_request."""
    if end <= begin:
        raise invalid_field("ends_at", "must be after the begin")
    if substitute == user:
        raise invalid_field("substitute", "must be somebody else")
    made = Absence.objects.create(user=user, substitute=substitute, starts_at=begin, ends_at=end)
    _record_absence(made, by, "added")
    return made


@transaction.atomic
def remove_absence(absence: Absence, *, by: User) -> None:
    _record_absence(absence, by, "removed")
    absence.delete()


def _record_absence(absence: Absence, by: User, what: str) -> None:
    substitute = absence.substitute_id and str(absence.substitute_id)
    payload = {"what": what, "absence_id": str(absence.id), "substitute_id": substitute}
    stream = person_stream(absence.user_id)
    event = Event(EventType.ABSENCE_CHANGED, stream, person(by), payload=payload)
    record([event], at=database_now())


def _record(
    team: Team, by: User, payload: dict[str, Any], personal: dict[str, Any], now: datetime
) -> None:
    stream = team_stream(team.pk)
    event = Event(
        EventType.ESCALATION_CHANGED, stream, person(by), payload=payload, personal=personal
    )
    record([event], at=now)
