"""What people may do by their roles. Rules about single requests stand in approvals.access."""

from django.db.models import Q, QuerySet

from hitlconsole.accounts.models import Agent, Membership, Role, Team, User


def teams_with_role(user: User, *roles: Role) -> QuerySet[Team]:
    """The teams in which the person has one of the roles."""
    return Team.objects.filter(
        pk__in=Membership.objects.filter(user=user, role__in=roles).values("team")
    )


def readable_teams(user: User) -> QuerySet[Team]:
    """Whose requests, agents and people the person may see."""
    return Team.objects.all() if user.is_superuser else teams_with_role(user, *Role)


def own_teams(user: User) -> list[Team]:
    """The same by name, for a page: asked once for all that it needs to know of roles."""
    if user.is_superuser:
        return list(Team.objects.order_by("name"))
    return list(dict.fromkeys(role.team for role in user.roles))


def may_administer(user: User, team: Team | None = None) -> bool:
    """Without a team: what belongs to everybody (action types, policies, teams, people)."""
    if not user.is_active:
        return False
    if user.is_superuser or team is None:
        return user.is_superuser
    return Membership.objects.filter(user=user, team=team, role=Role.ADMIN).exists()


def may_watch(user: User) -> bool:
    """The state of the console as a whole: admins and compliance, of whatever team."""
    watching = (Role.ADMIN, Role.COMPLIANCE)
    return user.is_superuser or any(member.role in watching for member in user.roles)


def readable_agents(user: User) -> QuerySet[Agent]:
    return Agent.objects.filter(Q(team__in=readable_teams(user)) | Q(owner=user)).distinct()
