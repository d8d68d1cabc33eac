"""Events about requests, with what each of them says about its request."""

from datetime import datetime
from typing import Any

from approvals.models import ApprovalRequest
from approvals.vocabulary import OPEN
from audit.events import Actor, Event, EventType, request_stream
from autonomy.vocabulary import Level

CLOSING = frozenset(
    {
        EventType.APPROVED,
        EventType.REJECTED,
        EventType.CANCELLED,
        EventType.TAKEN_OVER,
        EventType.TIMEOUT,
    }
)


def request_event(
    kind: EventType, request: ApprovalRequest, actor: Actor, *, now: datetime, **fields: Any
) -> Event:
    """An event about a request, with what it says about every request filled in.

    The one event that closes a request says so by its resulting status, its resolution and the
    latency from submission to resolution in milliseconds; what comes after it does not.
    """
    closed = request.status not in OPEN and kind in CLOSING
    latency = round((now - request.created_at).total_seconds() * 1000)
    defaults: dict[str, Any] = {
        "request_id": request.id,
        "agent_id": request.agent_id,
        "action_type": request.action_type,
        "level": Level(request.level).name,
        "confidence_score": request.confidence_score,
        "reviewer_decision": request.status if closed else None,
        "latency_ms": latency if closed else None,
        "status_after": request.status,
        "resolution": request.resolution if closed else None,
        "policy_version": request.policy_number,
    }
    return Event(kind, request_stream(request.id), actor, **(defaults | fields))
