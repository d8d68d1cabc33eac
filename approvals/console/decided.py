"""What became of a verdict, as the person reads it after committing."""

from approvals.closing import closing_words
from approvals.models import ApprovalRequest
from approvals.vocabulary import Verdict
from hitlconsole.accounts.models import User

DONE_WORDS = {
    Verdict.ASK: "Asked. The agent has the question",
    Verdict.ESCALATE: "Escalated; the people of that tier are told",
    Verdict.APPROVE_WITH_EDITS: "Your edit is the new proposal; somebody else decides it",
}


def decided_words(request: ApprovalRequest, verdict: Verdict, user: User) -> str:
    closed = closing_words(request, viewer_id=user.id)
    counts = f"Your approval counts; {request.quorum} are needed"
    return closed or DONE_WORDS.get(verdict, counts)
