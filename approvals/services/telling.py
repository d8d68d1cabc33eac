"""Telling one person, in the console alone, that a request waits: nothing is sent about it."""

from datetime import datetime

from approvals.access import visible_requests
from approvals.models import ApprovalRequest, Notice, Notification
from hitlconsole.accounts.models import User


def tell_person(request: ApprovalRequest, user: User, now: datetime) -> None:
    """Nobody is told of what they do not see."""
    if not visible_requests(user).filter(pk=request.pk).exists():
        return
    news = Notification.objects.create(
        kind=Notification.Kind.WAITING,
        team_id=request.team_id,
        request=request,
        tier=request.tier,
        status=Notification.Status.PLANNED,
        planned_at=now,
        created_at=now,
    )
    Notice.objects.create(notification=news, user=user)
