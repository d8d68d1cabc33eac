"""Who may see and decide a request: the one access door."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, Q, QuerySet

from approvals.models import ApprovalRequest, Decision, Takeover
from approvals.vocabulary import Verdict
from hitlconsole.accounts.access import may_administer, readable_teams
from hitlconsole.accounts.models import Agent, Membership, Role, User
from hitlconsole.lib.problems import Problem


def in_sight(user: User) -> Q:
    """Of requests and takeovers: those of the person's teams and of the agents the person owns.

    The teams and agents are collected once in the statement, not joined, so that the indexes on
    time and deadline serve whoever asks.
    """
    if user.is_superuser:
        return Q()
    owned = Agent.objects.filter(owner=user)
    return Q(_one_of("team_id", readable_teams(user))) | Q(_one_of("agent_id", owned))


def _one_of(column: str, rows: QuerySet[Any]) -> Func:
    """`column = ANY(ARRAY(SELECT id ...))`."""
    return Func(
        F(column),
        ArraySubquery(rows.order_by().values("pk")),
        template="(%(expressions)s))",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )


def visible_requests(user: User) -> QuerySet[ApprovalRequest]:
    """What this person may see."""
    return ApprovalRequest.objects.filter(in_sight(user))


def get_request_for(
    user: User, request_id: UUID, *, to: str = "read", related: Sequence[str] = ("agent", "team")
) -> ApprovalRequest:
    """The request with what it is `related` to, to "read" or to "decide".

    Raises not_found or not_allowed (with the reason).
    """
    request = visible_requests(user).select_related(*related).filter(pk=request_id).first()
    if request is None:
        raise Problem("not_found", "There is no such request, or it belongs to another team.")
    refusal = decision_refusal(user, request) if to == "decide" else None
    if refusal is not None:
        raise Problem("not_allowed", refusal)
    return request


def as_of_now(user: User) -> User:
    """The person read anew, for the transaction that acts on the rights."""
    return User.objects.get(pk=user.pk)


def decision_refusal(user: User, request: ApprovalRequest) -> str | None:
    """Why this person may not decide this request, in words; None where they may."""
    if not user.is_active:
        return "This account is switched off."
    roles = set(
        Membership.objects.filter(user=user, team=request.team_id).values_list("role", flat=True)
    )
    if Role.REVIEWER in roles:
        return None
    if request.tier > 0 and (user.is_superuser or Role.ADMIN in roles):
        return None
    if user.is_superuser or Role.ADMIN in roles:
        return f"Until it is escalated, the reviewers of {request.team.name} decide this."
    return f"Only the reviewers of {request.team.name} decide this."


def deciders(request: ApprovalRequest) -> QuerySet[User]:
    """Everybody who may decide this request: against them decision_refusal has nothing."""
    members = Membership.objects.filter(team=request.team_id)
    if request.tier == 0:
        return User.objects.filter(
            is_active=True, pk__in=members.filter(role=Role.REVIEWER).values("user")
        )
    called = members.filter(role__in=[Role.REVIEWER, Role.ADMIN]).values("user")
    return User.objects.filter(Q(is_superuser=True) | Q(pk__in=called), is_active=True)


def approvers(request: ApprovalRequest) -> QuerySet[User]:
    """Everybody who may approve it: against them approval_refusal has nothing either."""
    edited = _proposals(request).values("reviewer")
    people = deciders(request).exclude(pk__in=edited)
    if request.agent.owner_id is not None:
        people = people.exclude(pk=request.agent.owner_id)
    acted_for = request.on_behalf_of.strip()
    return people.exclude(email__iexact=acted_for) if acted_for else people


def comment_refusal(user: User, request: ApprovalRequest) -> str | None:
    """Why this person may not comment: that is for those who decide now or after an escalation."""
    if decision_refusal(user, request) is None or may_administer(user, request.team):
        return None
    return f"Only the reviewers and admins of {request.team.name} comment on this."


def approval_refusal(user: User, request: ApprovalRequest) -> str | None:
    """Why this person may decide but not approve (separation of duties)."""
    if request.agent.owner_id == user.id:
        return "You own this agent: somebody else has to approve for it."
    if request.on_behalf_of.strip().casefold() == user.email.casefold():
        return "The agent acts for you here: somebody else has to approve."
    if has_edited(user, request):
        return "You edited this action: somebody else has to approve it."
    return None


def has_edited(user: User, request: ApprovalRequest) -> bool:
    return _proposals(request).filter(reviewer=user).exists()


def _proposals(request: ApprovalRequest) -> QuerySet[Decision]:
    return Decision.objects.filter(
        request=request,
        verdict=Verdict.APPROVE_WITH_EDITS,
        effect=Decision.Effect.PROPOSAL,
    )


def acknowledgement_refusal(user: User, takeover: Takeover) -> str | None:
    """Why this person may not look after a stopped agent: its team's reviewers and admins do."""
    roles = [Role.REVIEWER, Role.ADMIN]
    member = Membership.objects.filter(user=user, team=takeover.team_id, role__in=roles)
    if user.is_active and (user.is_superuser or member.exists()):
        return None
    return "Only the reviewers and admins of its team look after a stopped agent."
