"""What can be asked of how requests closed: what people made of them, how long they took, and who.

The history filters by it and Home counts by it, so that a number leads to a list of its length.
"""

from datetime import datetime, timedelta

from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    UUIDField,
    When,
)
from django.db.models.functions import Coalesce

from approvals.console.filters import HistoryFilter, Said
from approvals.models import Hold
from approvals.vocabulary import HoldEnd, Resolution, Status
from hitlconsole.accounts.access import teams_with_role
from hitlconsole.accounts.models import Role, User

BY_PEOPLE = Q(resolution=Resolution.HUMAN)
_EDITED = BY_PEOPLE & Q(status=Status.APPROVED, proposed_action__isnull=False)
_REJECTED = BY_PEOPLE & Q(status=Status.REJECTED)
SAID: dict[Said, Q] = {
    Said.APPROVED: BY_PEOPLE & Q(status=Status.APPROVED, proposed_action__isnull=True),
    Said.EDITED: _EDITED,
    Said.REJECTED: _REJECTED,
    Said.OVERRIDDEN: _EDITED | _REJECTED,
}


def time_taken() -> Case:
    """Of what people decided: from the first look (of what nobody opened: from the submission) to
    the verdict. That a verdict was held for a while is not counted.
    """
    held = Hold.objects.filter(
        request=OuterRef("pk"),
        reviewer=OuterRef("closing_decision__reviewer"),
        end=HoldEnd.COUNTED,
    ).order_by("-given_at")
    given = Coalesce(Subquery(held.values("given_at")[:1]), F("closed_at"))
    looked = Coalesce(F("first_look_at"), F("created_at"))
    moment = ExpressionWrapper(given, DateTimeField())
    return Case(
        When(BY_PEOPLE, then=ExpressionWrapper(moment - looked, DurationField())),
        output_field=DurationField(),
    )


def _watched_by(viewer: User) -> Q:
    """Where the numbers of others are this person's business: own verdicts are so everywhere."""
    if viewer.is_superuser:
        return Q()
    watched = teams_with_role(viewer, Role.ADMIN, Role.COMPLIANCE)
    return Q(closing_decision__reviewer=viewer) | Q(team__in=watched)


def decided_by(viewer: User) -> Case:
    """Whose verdict it was, where this person may count it."""
    who = F("closing_decision__reviewer")
    condition = BY_PEOPLE & _watched_by(viewer)
    return Case(When(condition, then=who), output_field=UUIDField())


def closing_condition(wanted: HistoryFilter, viewer: User) -> Q:
    """What the filter says about how requests closed; on a query with `took` where it needs it."""
    conditions = _closed_within(wanted.closed_from, wanted.closed_to)
    if wanted.said:
        conditions &= SAID[wanted.said]
    if wanted.by:
        conditions &= Q(closing_decision__reviewer=wanted.by) & BY_PEOPLE & _watched_by(viewer)
    if wanted.took_from is not None:
        conditions &= Q(took__gte=timedelta(seconds=wanted.took_from))
    if wanted.took_under is not None:
        conditions &= Q(took__lt=timedelta(seconds=wanted.took_under))
    return conditions


def _closed_within(begin: datetime | None, end: datetime | None) -> Q:
    conditions = Q()
    if begin is not None:
        conditions &= Q(closed_at__gte=begin)
    if end is not None:
        conditions &= Q(closed_at__lt=end)
    return conditions
