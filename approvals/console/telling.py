"""Who was told about a request, by which means, and what that means for silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.escalation.clock import notice_needed_by
from approvals.models import ApprovalRequest, DeliveryItem
from approvals.representation import on_deadline
from approvals.services.notice import notice_of
from approvals.vocabulary import OnDeadline
from hitlconsole.accounts.models import User

TRANSPORT_WORDS = {
    "email": "an e-mail",
    "slack": "a Slack message",
    "webhook": "a webhook",
    "apprise": "a message",
}
MOST_TOLD = 100


@dataclass(frozen=True, slots=True)
class NoticeView:
    """The notice on which silent consent rests; `given` False: nobody could object so far."""

    given: bool
    words: str
    at: datetime | str | None = None
    needed_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A message about the request, with what became of it."""

    item: DeliveryItem
    people: Sequence[str]


def load_notice(request: ApprovalRequest) -> NoticeView | None:
    """None where silence does not consent, and never did."""
    if request.notice is not None:
        return NoticeView(True, notice_words(request.notice), request.notice["at"])
    since, deadline = request.waiting_since, request.deadline
    if on_deadline(request) is not OnDeadline.APPROVE or since is None or deadline is None:
        return None
    needed_by, evidence = notice_needed_by(since, deadline), notice_of(request)
    if evidence is None:
        return NoticeView(False, "", needed_by=needed_by)
    return NoticeView(True, notice_words(evidence.to_json()), evidence.at, needed_by)


def notice_words(evidence: dict[str, Any]) -> str:
    """Like "an e-mail reached Ana in time" or "Ana had the queue open and could have"."""
    names = _names([UUID(person) for person in evidence["people"]])
    who = ", ".join(names) or "somebody"
    if evidence["kind"] == "presence":
        return f"{who} had the queue open and could have"
    return f"{TRANSPORT_WORDS[evidence['transport']]} reached {who} in time"


def _names(people: Sequence[UUID]) -> list[str]:
    return list(User.objects.filter(pk__in=people).order_by("name").values_list("name", flat=True))


def load_told(request: ApprovalRequest) -> list[Told]:
    """Every message about it, newest first, a constant number of queries."""
    found = (
        DeliveryItem.objects.filter(request=request)
        .select_related("delivery__channel", "notification")
        .order_by("-delivery__created_at", "-id")[:MOST_TOLD]
    )
    items = list(found)
    wanted = {person for item in items for person in item.delivery.people}
    names = dict(User.objects.filter(pk__in=wanted).values_list("pk", "name"))
    return [
        Told(item, [names[person] for person in item.delivery.people if person in names])
        for item in items
    ]
