"""What is held, as pages show it: on a request, and to the one who may still undo it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from approvals.models import ApprovalRequest, Hold
from approvals.services.held import ended_last
from approvals.services.refusals import HELD_WORDS
from approvals.vocabulary import HoldEnd, Verdict
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import HitlNow

# The session says until when a page has to look whether something is held.
LOOK_UNTIL = "held_until"
SLACK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Held:
    """A verdict that waits to count, at the database's time `now`."""

    hold: Hold
    viewer_id: UUID
    now: datetime

    @property
    def request_id(self) -> UUID:
        return self.hold.request_id

    @property
    def batch(self) -> str:
        """Equal for verdicts that were given together; empty for one alone."""
        batch, dot, _ = self.hold.token.partition(".")
        return batch if dot else ""

    @property
    def mine(self) -> bool:
        return self.hold.reviewer_id == self.viewer_id

    @property
    def who(self) -> str:
        return "You" if self.mine else self.hold.reviewer.name

    @property
    def doing(self) -> str:
        return HELD_WORDS[Verdict(self.hold.verdict)].capitalize()

    @property
    def words(self) -> str:
        """Like "You are approving this"."""
        verb = "are" if self.mine else "is"
        return f"{self.who} {verb} {self.doing.lower()} this"

    @property
    def seconds_left(self) -> float:
        return max(0.0, (self.hold.counts_at - self.now).total_seconds())

    @property
    def approves(self) -> bool:
        return self.hold.verdict == Verdict.APPROVE


def load_held(user: User, requests: Iterable[ApprovalRequest], now: datetime) -> dict[UUID, Held]:
    """By request, what counts first; asks nothing where none of them holds anything."""
    holding = [request.pk for request in requests if request.held_until is not None]
    if not holding:
        return {}
    holds = Hold.objects.filter(request__in=holding, end=None).select_related("reviewer")
    return {
        hold.request_id: Held(hold, user.id, now) for hold in holds.order_by("-counts_at", "-id")
    }


def held_context(user: User, request: ApprovalRequest, now: datetime) -> dict[str, Any]:
    """What a hold leaves to others: `held`, and whether approving and the rest still work."""
    held = load_held(user, [request], now).get(request.pk)
    joins = held is not None and held.approves and not held.mine and request.quorum > 1
    return {
        "held": held,
        "held_lost": ended_last(request, user, HoldEnd.CANCELLED) if held is None else None,
        "held_lets_approve": held is None or joins,
        "held_lets_reject": held is None or not held.mine,
        "held_lets_move": held is None,
    }


def own_held(request: HttpRequest) -> Sequence[Held]:
    """The newest first; asks the database only if this session held something lately."""
    until = request.session.get(LOOK_UNTIL, "")
    if not until or datetime.fromisoformat(until) + SLACK < timezone.now():
        return ()
    user = request.user
    assert isinstance(user, User)
    holds = Hold.objects.filter(reviewer=user, end=None).select_related("request", "reviewer")
    waiting = holds.annotate(now=HitlNow()).order_by("-given_at", "-id")
    return [Held(hold, user.id, hold.now) for hold in waiting if hold.counts_at > hold.now]


def remember_holds(request: HttpRequest, until: Iterable[datetime | None]) -> None:
    """`until` of each that was decided: when it counts, None for at once."""
    last = max(filter(None, until), default=None)
    if last is not None:
        request.session[LOOK_UNTIL] = last.isoformat()
