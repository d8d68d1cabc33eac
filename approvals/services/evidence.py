"""Who opened the evidence of a request: approving at HARD_APPROVAL and above asks for it."""

from approvals.models import ApprovalRequest, EvidenceLook
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now


def record_evidence_look(request: ApprovalRequest, user: User) -> None:
    """The first look at the evidence for this action; an edited one is another action."""
    EvidenceLook.objects.get_or_create(
        request=request,
        user=user,
        action_sha256=request.action_sha256,
        defaults={"at": database_now()},
    )


def has_opened_evidence(request: ApprovalRequest, user: User) -> bool:
    looks = EvidenceLook.objects.filter(request=request, user=user)
    return looks.filter(action_sha256=request.action_sha256).exists()
