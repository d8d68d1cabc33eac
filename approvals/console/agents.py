"""Agents: what they may do on their own, what they did, and their keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from approvals.access import acknowledgement_refusal, visible_requests
from approvals.console.queue import COLUMNS, RELATED, as_rows
from approvals.console.snippets import snippets
from approvals.models import OPEN_VALUES, ApprovalRequest, Takeover
from approvals.vocabulary import TakeoverStatus
from autonomy.models import ActionType, AutonomyProfile, Outcome
from autonomy.services import current_policy
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import may_administer, readable_agents
from hitlconsole.accounts.models import Agent, ApiKey, Scope, User
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem

LAST = 20
LATELY = 1000


@dataclass(frozen=True, slots=True)
class Rung:
    """The trust in an agent for one action type; where it never `moved` it stands at the start."""

    action_type: str
    level: Level
    streak: int
    moved: bool


def listed_agents(user: User) -> QuerySet[Agent]:
    """With open_count, failures and last_seen (the last use of a key)."""
    open_count = (
        ApprovalRequest.objects.filter(agent=OuterRef("pk"), status__in=OPEN_VALUES)
        .order_by()
        .values("agent")
        .annotate(n=Count("pk"))
        .values("n")
    )
    last_seen = (
        ApiKey.objects.filter(agent=OuterRef("pk"))
        .order_by()
        .values("agent")
        .annotate(last=Max("last_used_at"))
        .values("last")
    )
    agents = Agent.objects.filter(pk__in=readable_agents(user).values("pk"))
    return (
        agents.select_related("team", "owner")
        .annotate(open_count=Coalesce(Subquery(open_count), 0), last_seen=Subquery(last_seen))
        .order_by("name")
    )


def with_failures(agents: Sequence[Agent], now: datetime) -> list[tuple[Agent, int]]:
    """Each with its failures as the takeover rule counts them: within the policy's window, and
    since the agent's last release.
    """
    since = now - timedelta(hours=current_policy().document.failure_window_hours)
    failed = Outcome.objects.filter(
        Q(agent__failures_since=None) | Q(reported_at__gt=F("agent__failures_since")),
        agent__in=agents,
        result=Outcome.Result.FAILURE,
        reported_at__gt=since,
    )
    counts = dict(failed.order_by().values_list("agent").annotate(n=Count("pk")))
    return [(agent, counts.get(agent.pk, 0)) for agent in agents]


def get_agent_for(user: User, agent_id: UUID) -> Agent:
    """Raises not_found."""
    agent = readable_agents(user).select_related("team", "owner").filter(pk=agent_id).first()
    if agent is None:
        raise Problem("not_found", "There is no such agent, or it belongs to another team.")
    return agent


def get_administered_agent(user: User, agent_id: UUID) -> Agent:
    """Raises not_found or not_allowed."""
    agent = get_agent_for(user, agent_id)
    if not may_administer(user, agent.team):
        raise Problem("not_allowed", f"Only an admin of {agent.team.name} can change this agent.")
    return agent


def open_takeover(agent: Agent) -> Takeover | None:
    return (
        Takeover.objects.select_related("request", "started_by", "acknowledged_by")
        .filter(agent=agent, status=TakeoverStatus.OPEN)
        .first()
    )


def load_rungs(agent: Agent) -> list[Rung]:
    """Profiles that exist, then what the agent asked for lately."""
    profiles = AutonomyProfile.objects.filter(agent=agent)
    moved = [Rung(p.action_type, Level(p.level), p.streak, True) for p in profiles]
    known = {rung.action_type for rung in moved}
    asked = agent.requests.order_by("-created_at", "-id").values_list("action_type", flat=True)
    names = set(asked[:LATELY]) - known
    return moved + [Rung(name, Level.SOFT_APPROVAL, 0, False) for name in sorted(names)]


def agent_context(user: User, agent: Agent) -> dict[str, Any]:
    now = database_now()
    recent = visible_requests(user).filter(agent=agent).order_by("-created_at", "-id")
    outcomes = Outcome.objects.filter(agent=agent).order_by("-reported_at")[:LAST]
    document, takeover = current_policy().document, open_takeover(agent)
    return {
        "agent": agent,
        "now": now,
        "rungs": load_rungs(agent),
        "promote_after": document.promote_after_successes,
        "takeover_failures": document.takeover_failures,
        "failures": with_failures([agent], now)[0][1],
        "rows": as_rows(recent.select_related(*RELATED).only(*COLUMNS)[:10], user, now),
        "outcomes": list(outcomes),
        "keys": agent.keys.order_by("-created_at"),
        "takeover": takeover,
        "may_acknowledge": takeover is not None
        and takeover.acknowledged_by is None
        and acknowledgement_refusal(user, takeover) is None,
        "administers": may_administer(user, agent.team),
        "scopes": [scope for scope in Scope if scope is not Scope.DECIDE],
        "levels": list(Level),
        "snippets": snippets(settings.BASE_URL, _example_type(agent)),
    }


def _example_type(agent: Agent) -> str:
    """An action type for the snippets, one that this agent knows where there is one."""
    asked = agent.requests.order_by("-created_at").values_list("action_type", flat=True).first()
    registered = ActionType.objects.values_list("name", flat=True).first()
    return asked or registered or "ticket.close"
