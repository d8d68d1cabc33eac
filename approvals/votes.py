"""Which approvals of a request count towards its quorum."""

from django.db.models import QuerySet

from approvals.access import approvers
from approvals.models import ApprovalRequest, Decision
from approvals.vocabulary import Verdict


def last_proposal(request: ApprovalRequest) -> Decision | None:
    """The edit that made the action what it is now; none where it is as the agent asked."""
    if request.proposed_action is None:
        return None
    proposals = Decision.objects.filter(request=request, effect=Decision.Effect.PROPOSAL)
    return proposals.select_related("reviewer").order_by("-revision").first()


def counting_votes(request: ApprovalRequest, proposal: Decision | None) -> QuerySet[Decision]:
    """Those given for exactly this action at exactly this level, since the last edit
    (`proposal`), by people who may still approve it.
    """
    return Decision.objects.filter(
        request=request,
        verdict=Verdict.APPROVE,
        effect=Decision.Effect.VOTE,
        action_sha256=request.action_sha256,
        level=request.level,
        revision__gt=proposal.revision if proposal else 0,
        reviewer__in=approvers(request),
    )
