"""Who approved a request, who is still needed, and who proposed what is to be approved."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from approvals.access import approvers
from approvals.models import ApprovalRequest, Decision
from approvals.vocabulary import OPEN
from approvals.votes import counting_votes, last_proposal
from hitlconsole.accounts.models import User

MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Quorum:
    """`candidates` may still approve it, `more` are those beyond the named ones.

    `proposal` is the edit that made the action what it is now.
    """

    needed: int
    approvers: Sequence[str] = ()
    voted: Collection[UUID] = ()
    candidates: Sequence[str] = ()
    more: int = 0
    proposal: Decision | None = field(default=None)

    @property
    def given(self) -> int:
        return len(self.approvers)

    @property
    def left(self) -> int:
        return max(0, self.needed - len(self.approvers))

    @property
    def is_short(self) -> bool:
        """More are needed than there are people left who may."""
        return self.left > len(self.candidates) + self.more


def load_quorum(request: ApprovalRequest) -> Quorum:
    """A constant number of queries, however many have approved or may."""
    if request.status not in OPEN:
        return Quorum(request.quorum)
    proposal = last_proposal(request)
    votes = _voters(request, proposal) if request.quorum > 1 else {}
    waiting = approvers(request).exclude(pk__in=list(votes)).order_by("name", "pk")
    names = list(waiting.values_list("name", flat=True)[: MOST_NAMED + 1])
    more = waiting.count() - MOST_NAMED if len(names) > MOST_NAMED else 0
    return Quorum(
        needed=request.quorum,
        approvers=list(votes.values()),
        voted=set(votes),
        candidates=names[:MOST_NAMED],
        more=more,
        proposal=proposal,
    )


def _voters(request: ApprovalRequest, proposal: Decision | None) -> dict[UUID, str]:
    votes = counting_votes(request, proposal).order_by("at")
    return dict(votes.values_list("reviewer_id", "reviewer__name"))


def voted_already(user: User, quorum: Quorum) -> str | None:
    """Why this person can't approve once more; None where they can."""
    if user.id not in quorum.voted:
        return None
    return "You approved it already: somebody else has to approve it, too."
