"""Short ways to say who does what."""

from datetime import timedelta
from typing import Any

from approvals.models import ApprovalRequest, EvidenceLook, Presence
from approvals.services.decide import decide_request
from approvals.vocabulary import Channel, Verdict
from audit.models import AuditEvent
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.models import Heartbeat


def decide(request: ApprovalRequest, who: User, verdict: str, **fields: Any) -> ApprovalRequest:
    """As a careful person: they signed in just now, opened the evidence, and ticked the check."""
    open_evidence(request, who)
    defaults: dict[str, Any] = {
        "acknowledged": "cannot be undone",
        "signed_in_at": database_now(),
        "revision": ApprovalRequest.objects.get(pk=request.pk).revision,
        "channel": Channel.WEB,
        "notes": "" if verdict in ("approve", "approve_with_edits") else "because",
    }
    return decide_request(
        request_id=request.id, reviewer=who, verdict=Verdict(verdict), **(defaults | fields)
    )


def open_evidence(request: ApprovalRequest, who: User) -> None:
    digest = ApprovalRequest.objects.values_list("action_sha256", flat=True).get(pk=request.pk)
    EvidenceLook.objects.get_or_create(
        request=request, user=who, action_sha256=digest, defaults={"at": database_now()}
    )


def reload(request: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=request.pk)


def trail(request: ApprovalRequest) -> list[str]:
    """The types of the request's events, in order; the numbers have no gap."""
    events = AuditEvent.objects.filter(request_id=request.id).order_by("stream_seq")
    numbers = [event.stream_seq for event in events]
    assert numbers == list(range(1, len(numbers) + 1))
    return [event.type for event in events]


def keep_console_up(request: ApprovalRequest) -> None:
    """A web process was alive from before the submission until long after it."""
    around = timedelta(days=30)
    Heartbeat.objects.create(
        kind="web",
        instance="test",
        started_at=request.created_at - around,
        last_seen_at=request.created_at + around,
    )


def watch_queue(user: User, request: ApprovalRequest, *, first: float, last: float) -> None:
    """The person had the queue open from `first` to `last` seconds after the submission."""
    keep_console_up(request)
    Presence.objects.create(
        user=user,
        team_id=request.team_id,
        started_at=request.created_at + timedelta(seconds=first),
        last_seen_at=request.created_at + timedelta(seconds=last),
    )
