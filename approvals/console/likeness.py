"""What is known about an agent and about actions like this one: outcomes, and who decided what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet

from approvals.access import visible_requests
from approvals.closing import closing_words
from approvals.models import ApprovalRequest
from autonomy.models import Outcome
from hitlconsole.accounts.models import User

OUTCOMES = 20
SIMILAR = 5
HEAVY = ("action", "proposed_action", "context", "resume_state", "metadata", "confidence", "risk")


@dataclass(frozen=True, slots=True)
class Similar:
    """A request like the one that is shown."""

    request: ApprovalRequest
    ended: str

    @property
    def took(self) -> timedelta | None:
        """From the question to its end."""
        closed = self.request.closed_at
        return closed - self.request.created_at if closed else None


@dataclass(frozen=True, slots=True)
class Happened:
    """An outcome with what it was the outcome of, where the person may see that."""

    outcome: Outcome
    request: ApprovalRequest | None


@dataclass(frozen=True, slots=True)
class History:
    """The agent's last outcomes, the newest first, and requests like this one."""

    outcomes: Sequence[Happened]
    similar: Sequence[Similar]
    elsewhere: Sequence[Similar]
    retries: Sequence[ApprovalRequest]

    @property
    def successes(self) -> int:
        return sum(one.outcome.result == Outcome.Result.SUCCESS for one in self.outcomes)

    @property
    def failures(self) -> int:
        return len(self.outcomes) - self.successes


def load_history(user: User, request: ApprovalRequest) -> History:
    seen = visible_requests(user)
    alike = seen.filter(action_type=request.action_type)
    own = alike.filter(agent=request.agent_id).exclude(pk__in=[request.id, request.previous_id])
    others = alike.exclude(agent=request.agent_id).select_related("agent")
    return History(
        outcomes=_outcomes(seen, request.agent_id),
        similar=_latest(own, user, "-created_at", "-id"),
        elsewhere=_latest(others, user, "-id"),
        retries=list(seen.filter(previous=request.id).order_by("created_at")),
    )


def _latest(requests: QuerySet[ApprovalRequest], user: User, *order: str) -> list[Similar]:
    found = requests.select_related("closing_decision__reviewer").defer(*HEAVY)
    return [
        Similar(one, closing_words(one, viewer_id=user.id))
        for one in found.order_by(*order)[:SIMILAR]
    ]


def _outcomes(seen: QuerySet[ApprovalRequest], agent_id: UUID) -> list[Happened]:
    outcomes = list(Outcome.objects.filter(agent=agent_id).order_by("-reported_at")[:OUTCOMES])
    wanted = [one.request_id for one in outcomes]
    requests = {
        one.pk: one
        for one in seen.filter(pk__in=wanted).only("description", "action_type", "status")
    }
    return [Happened(one, requests.get(one.request_id)) for one in outcomes]
