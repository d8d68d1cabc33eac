"""The holds of one request as rows: which of them wait, and how they end.

Callers hold the request's lock and save it. Nothing here knows what a verdict does.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F

from approvals.closing import closing_words
from approvals.models import ApprovalRequest, Decision, Hold
from approvals.services.events import request_event
from approvals.services.telling import tell_person
from approvals.vocabulary import OPEN, Channel, HoldEnd, Verdict
from audit.events import SYSTEM, Actor, Event, EventType
from hitlconsole.accounts.models import User


def waiting_holds(request: ApprovalRequest) -> list[Hold]:
    """Those that neither count yet nor are over; the first to count first."""
    if request.held_until is None:
        return []
    waiting = Hold.objects.filter(request=request, end=None).select_related("reviewer")
    return list(waiting.order_by("counts_at", "id"))


def end_hold(hold: Hold, end: HoldEnd, now: datetime, reason: str = "") -> None:
    hold.end, hold.end_reason, hold.ended_at = end, reason, now
    hold.save(update_fields=["end", "end_reason", "ended_at"])


def set_held_until(request: ApprovalRequest, waiting: Iterable[Hold]) -> None:
    request.held_until = min((hold.counts_at for hold in waiting), default=None)


def cancel_holds(request: ApprovalRequest, now: datetime, reason: str = "") -> list[Event]:
    """After a change of the request: what was held was given for what it was before. Where it still
    waits, those who held something are told.
    """
    waiting = waiting_holds(request)
    reason = reason or closing_words(request) or "The request has changed"
    for hold in waiting:
        end_hold(hold, HoldEnd.CANCELLED, now, reason)
        if request.status in OPEN:
            tell_person(request, hold.reviewer, now)
    set_held_until(request, ())
    return [hold_event(EventType.HOLD_CANCELLED, request, hold, SYSTEM, now) for hold in waiting]


def ended_last(request: ApprovalRequest, user: User, end: HoldEnd) -> Hold | None:
    """The hold of this person that ended so, if it still waits and they did nothing since."""
    last = Hold.objects.filter(request=request, reviewer=user).order_by("given_at", "id").last()
    if last is None or last.end != end or request.status not in OPEN:
        return None
    since = Decision.objects.filter(request=request, reviewer=user, at__gte=last.ended_at)
    return None if since.exists() else last


def objected_to(request_ids: Collection[UUID]) -> set[UUID]:
    """Those that somebody was about to reject in their present wait: cancelled, not undone."""
    if not request_ids:
        return set()
    lost = Hold.objects.filter(request__in=request_ids, verdict=Verdict.REJECT)
    present = lost.filter(end=HoldEnd.CANCELLED, given_at__gte=F("request__waiting_since"))
    return set(present.values_list("request_id", flat=True))


def wake_waiters(request: ApprovalRequest) -> None:
    """Whoever waits for it looks again, and then when it counts: not every hold ends by a sweep.

    A new revision does that by itself (approval_request_wake); a hold makes none.
    """
    with connection.cursor() as cursor:
        payload = f"{request.pk} {request.revision}"
        cursor.execute("SELECT pg_notify('hitl_request', %s)", [payload])


def hold_event(
    kind: EventType, request: ApprovalRequest, hold: Hold, actor: Actor, now: datetime
) -> Event:
    return request_event(
        kind,
        request,
        actor,
        now=now,
        reviewer_id=hold.reviewer_id,
        channel=Channel.WEB,
        payload={
            "verdict": hold.verdict,
            "hold_id": str(hold.id),
            "counts_at": hold.counts_at.isoformat(),
        },
        personal={"reason": hold.end_reason} if hold.end_reason else {},
    )
