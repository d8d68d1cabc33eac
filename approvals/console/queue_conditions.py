"""What the filters of the queue mean, of requests and of stopped agents."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.access import visible_requests
from approvals.console.filters import QueueFilter
from approvals.models import OPEN_VALUES, ApprovalRequest, Decision
from approvals.search import search_among, search_open
from approvals.vocabulary import Status, Verdict
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import teams_with_role
from hitlconsole.accounts.models import Role, User
from hitlconsole.lib.clock import HitlNow

SOON = timedelta(minutes=15)
DUE = timedelta(seconds=60)


def open_requests(user: User) -> QuerySet[ApprovalRequest]:
    """Those that this person may see."""
    return visible_requests(user).filter(status__in=OPEN_VALUES)


def matching(user: User, wanted: QueueFilter) -> QuerySet[ApprovalRequest]:
    """Open requests that this person may see and that the filter keeps."""
    return open_requests(user).filter(request_condition(wanted, user))


def request_condition(wanted: QueueFilter, user: User, *, few: bool = False) -> Q:
    """`few`: it stands behind a condition that leaves few requests to look at."""
    conditions = _place_conditions(wanted)
    if wanted.q:
        conditions &= search_among(wanted.q) if few else search_open(wanted.q)
    if wanted.mine:
        conditions &= Q(claimed_by=user, claimed_until__gt=HitlNow())
    if wanted.due:
        conditions &= Q(deadline__lt=HitlNow() + SOON)
    if wanted.strict:
        conditions &= Q(level__gte=Level.HARD_APPROVAL)
    if wanted.escalated:
        conditions &= Q(status=Status.ESCALATED) | Q(tier__gt=0)
    if wanted.vote:
        conditions &= _awaits_vote_of(user)
    if wanted.level is not None:
        conditions &= Q(level=wanted.level)
    return conditions


def _awaits_vote_of(user: User) -> Q:
    """Others have approved it, more are needed, and this person has not, but may.

    Votes that an edit or a raised level voided do not count.
    """
    given = Decision.objects.filter(
        request=OuterRef("pk"),
        verdict=Verdict.APPROVE,
        effect=Decision.Effect.VOTE,
        action_sha256=OuterRef("action_sha256"),
        level=OuterRef("level"),
    )
    edited = Decision.objects.filter(
        request=OuterRef("pk"), reviewer=user, effect=Decision.Effect.PROPOSAL
    )
    may = Q(team__in=teams_with_role(user, Role.REVIEWER)) & ~Q(agent__owner=user)
    others = Q(Exists(given.exclude(reviewer=user))) & ~Q(Exists(given.filter(reviewer=user)))
    own = Q(on_behalf_of__iexact=user.email) | Q(Exists(edited))
    return Q(quorum__gt=1) & may & others & ~own


def _place_conditions(wanted: QueueFilter) -> Q:
    conditions = Q()
    if wanted.team:
        conditions &= Q(team=wanted.team)
    if wanted.agent:
        conditions &= Q(agent=wanted.agent)
    if wanted.type:
        conditions &= Q(action_type=wanted.type)
    return conditions


def takeover_condition(wanted: QueueFilter, user: User) -> Q:
    """Of takeovers. "Mine" are those that the person has acknowledged; all are level 4."""
    conditions = Q()
    if wanted.mine:
        conditions &= Q(acknowledged_by=user)
    if wanted.due:
        conditions &= Q(acknowledge_by__lt=HitlNow() + SOON)
    if wanted.escalated:
        conditions &= Q(tier__gt=0)
    if wanted.vote or wanted.level not in (None, Level.HUMAN_TAKEOVER):
        conditions &= Q(pk__in=())
    if wanted.team:
        conditions &= Q(team=wanted.team)
    if wanted.agent:
        conditions &= Q(agent=wanted.agent)
    if wanted.type:
        conditions &= Q(request__action_type=wanted.type)
    if wanted.q:
        conditions &= Q(agent__name__icontains=wanted.q) | Q(reason__icontains=wanted.q)
    return conditions
