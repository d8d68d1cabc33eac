"""Who there is, who is on call and who is away, read for the pure rules of escalation."""

import logging
from collections import defaultdict
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from approvals.escalation.policy import QuietHours, read_timezone
from approvals.escalation.recipients import Roster
from approvals.escalation.rotation import Absence, Override, Rotation
from approvals.models import Absence as AbsenceRow
from approvals.models import OnCallRotation, RotationOverride
from approvals.vocabulary import Handover
from autonomy.policy.reading import ReadError
from hitlconsole.accounts.models import Membership, Preferences, Role, User

logger = logging.getLogger(__name__)


def load_roster(begin: datetime, end: datetime | None = None) -> Roster:
    """Everybody who is active, with what holds from `begin` on; a constant number of queries."""
    members: dict[str, dict[UUID, set[UUID]]] = {
        Role.REVIEWER: defaultdict(set),
        Role.ADMIN: defaultdict(set),
    }
    rows = Membership.objects.filter(user__is_active=True, role__in=members)
    for team_id, user_id, role in rows.values_list("team_id", "user_id", "role"):
        members[role][team_id].add(user_id)
    return Roster(
        reviewers={team: frozenset(people) for team, people in members[Role.REVIEWER].items()},
        admins={team: frozenset(people) for team, people in members[Role.ADMIN].items()},
        active=frozenset(User.objects.filter(is_active=True).values_list("pk", flat=True)),
        rotations={
            row.id: read_rotation(row) for row in OnCallRotation.objects.all() if _holds(row)
        },
        overrides=_overrides(begin, end),
        absences=_absences(begin, end),
    )


def _holds(row: OnCallRotation) -> bool:
    """Without one that cannot be reckoned its tier tells others instead; failing told nobody."""
    try:
        read_timezone(row.timezone)
    except ReadError as error:
        logger.error("rotation %s is left out: its zone %s %s", row.id, row.timezone, error)
        return False
    return True


def read_rotation(row: OnCallRotation) -> Rotation:
    return Rotation(
        id=row.id,
        name=row.name,
        people=tuple(row.people),
        handover=Handover(row.handover),
        weekday=row.weekday,
        at=row.at,
        timezone=row.timezone,
        starts_on=row.starts_on,
    )


def load_quiet_hours() -> dict[UUID, QuietHours]:
    """Of the people who have any of their own."""
    rows = Preferences.objects.filter(quiet_start__isnull=False)
    return {
        row.pk: QuietHours(row.quiet_start, row.quiet_end, row.time_zone)
        for row in rows
        if row.quiet_start is not None and row.quiet_end is not None and _has_zone(row)
    }


def _has_zone(row: Preferences) -> bool:
    """Without the zone nobody knows when it is quiet: the person is told at once."""
    try:
        read_timezone(row.time_zone)
    except ReadError as error:
        logger.error("the quiet hours of %s are left out: the zone %s", row.pk, error)
        return False
    return True


def _meets(begin: datetime, end: datetime | None) -> Q:
    return Q(ends_at__gt=begin) & (Q() if end is None else Q(starts_at__lt=end))


def _overrides(begin: datetime, end: datetime | None) -> tuple[Override, ...]:
    """In the order in which they were made: the later one wins."""
    rows = RotationOverride.objects.filter(_meets(begin, end)).order_by("id")
    return tuple(Override(r.rotation_id, r.user_id, r.starts_at, r.ends_at) for r in rows)


def _absences(begin: datetime, end: datetime | None) -> tuple[Absence, ...]:
    rows = AbsenceRow.objects.filter(_meets(begin, end)).order_by("id")
    return tuple(Absence(r.user_id, r.starts_at, r.ends_at, r.substitute_id) for r in rows)
