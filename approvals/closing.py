"""How a request ended, in words. Pure apart from reading the request's relations."""

from uuid import UUID

from approvals.models import ApprovalRequest
from approvals.vocabulary import OPEN, Resolution, Status


def closing_words(request: ApprovalRequest, *, viewer_id: UUID | None = None) -> str:
    """Like "Approved by Ana"; empty while it is open. A timeout is never called a rejection."""
    if request.status in OPEN or request.resolution is None:
        return ""
    match Resolution(request.resolution), Status(request.status):
        case Resolution.AUTOMATIC, _:
            return "Approved by policy"
        case Resolution.SILENT_CONSENT, _:
            return "Approved by silence"
        case Resolution.WITHDRAWN, _:
            return "Withdrawn by the agent"
        case Resolution.EXHAUSTED, _:
            return "Expired: nobody decided"
        case Resolution.TAKEOVER, _:
            return _by("Taken over", request, viewer_id)
        case _, Status.REJECTED:
            return _by("Rejected", request, viewer_id)
    edited = " with edits" if request.proposed_action is not None else ""
    return _by(f"Approved{edited}", request, viewer_id)


def _by(what: str, request: ApprovalRequest, viewer_id: UUID | None) -> str:
    decision = request.closing_decision
    if decision is None:
        return f"{what} by policy" if request.status == Status.TAKEN_OVER else what
    who = "you" if decision.reviewer_id == viewer_id else decision.reviewer.name
    return f"{what} by {who}"
