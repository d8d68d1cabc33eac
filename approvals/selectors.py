"""What the agents' API reads."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from approvals.models import ApprovalRequest, Takeover
from approvals.representation import with_questions
from approvals.vocabulary import TakeoverStatus
from autonomy.models import AutonomyProfile
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Agent
from hitlconsole.lib.clock import HitlNow
from hitlconsole.lib.problems import Problem, invalid_field

# Times that Postgres and Python both can hold in every time zone.
FIRST_YEAR, LAST_YEAR = 2000, 9000


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended, in the order newest first."""

    created_at: datetime
    id: UUID

    def to_text(self) -> str:
        raw = f"{self.created_at.astimezone(UTC).isoformat()}|{self.id}"
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> "Position":
        """Raises invalid_request."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            moment, _, request_id = base64.urlsafe_b64decode(padded).decode().partition("|")
            position = cls(datetime.fromisoformat(moment), UUID(request_id))
        except (ValueError, binascii.Error):
            raise _no_cursor() from None
        if position.to_text() != text or not FIRST_YEAR <= position.created_at.year < LAST_YEAR:
            raise _no_cursor()
        return position


def _no_cursor() -> Problem:
    return invalid_field("cursor", "must be the next_cursor of the page before")


def agent_request(agent_id: UUID, request_id: UUID) -> ApprovalRequest:
    """The agent's own request, ready to be represented; `read_at` is the database's time.

    Raises not_found, also for another agent's.
    """
    requests = ApprovalRequest.objects.select_related("evaluation", "closing_decision")
    try:
        return requests.annotate(read_at=HitlNow()).get(pk=request_id, agent=agent_id)
    except ApprovalRequest.DoesNotExist:
        raise Problem("not_found", "There is no request with this id.") from None


def agent_requests(
    agent_id: UUID,
    *,
    status: str | None = None,
    action_type: str | None = None,
    after: Position | None = None,
    limit: int,
) -> tuple[list[ApprovalRequest], Position | None]:
    """A page, newest first, and where the next one begins."""
    query = ApprovalRequest.objects.select_related("evaluation", "closing_decision").filter(
        agent=agent_id
    )
    if status is not None:
        query = query.filter(status=status)
    if action_type is not None:
        query = query.filter(action_type=action_type)
    if after is not None:
        older = Q(created_at__lt=after.created_at)
        query = query.filter(older | Q(created_at=after.created_at, id__lt=after.id))
    page = list(query.order_by("-created_at", "-id")[: limit + 1])
    more = len(page) > limit
    last = page[limit - 1] if more else None
    return with_questions(page[:limit]), None if last is None else Position(
        last.created_at, last.id
    )


def describe_agent(agent_id: UUID) -> dict[str, Any]:
    """What an agent may know of itself."""
    agent = Agent.objects.select_related("team").get(pk=agent_id)
    return {
        "id": agent.id,
        "name": agent.name,
        "team": agent.team.name,
        "status": agent.status,
        "profiles": [
            {
                "action_type": profile.action_type,
                "level": Level(profile.level).name,
                "streak": profile.streak,
            }
            for profile in AutonomyProfile.objects.filter(agent=agent)
        ],
        "grants": [],
        "takeover": _open_takeover(agent_id),
    }


def _open_takeover(agent_id: UUID) -> dict[str, Any] | None:
    takeover = Takeover.objects.filter(agent=agent_id, status=TakeoverStatus.OPEN).first()
    if takeover is None:
        return None
    return {
        "id": takeover.id,
        "source": takeover.source,
        "reason": takeover.reason,
        "request": takeover.request_id,
        "started_at": takeover.started_at,
    }
