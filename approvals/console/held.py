"""What is held, as pages show it: on a request, and to the one who may still undo it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from approvals.models import ApprovalRequest, Decision, Hold
from approvals.vocabulary import HOLD_SECONDS, OPEN, HoldEnd, Verdict
from hitlconsole.accounts.models import Preferences, User
from hitlconsole.lib.clock import HitlNow

# The session says until when a page has to look whether something is held.
LOOK_UNTIL = "held_until"
SLACK = timedelta(seconds=60)
MOST_NAMED = 3
DOING = {Verdict.APPROVE: "Approving", Verdict.REJECT: "Rejecting"}


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
        return DOING[Verdict(self.hold.verdict)]

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


def hold_seconds_of(user: User) -> int:
    chosen = Preferences.objects.filter(user=user).values_list("hold_seconds", flat=True).first()
    return HOLD_SECONDS if chosen is None else chosen


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
        "held_lost": _lost(user, request) if held is None else None,
        "held_lets_approve": held is None or joins,
        "held_lets_reject": held is None or not held.mine,
        "held_lets_move": held is None,
    }


def _lost(user: User, request: ApprovalRequest) -> Hold | None:
    """What the person held about it and was cancelled, unless they have decided since."""
    own = Hold.objects.filter(request=request, reviewer=user)
    last = own.order_by("-given_at", "-id").first()
    if last is None or last.end != HoldEnd.CANCELLED or request.status not in OPEN:
        return None
    since = Decision.objects.filter(request=request, reviewer=user, at__gte=last.ended_at)
    return None if since.exists() else last


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


def remember_hold(request: HttpRequest, decided: ApprovalRequest) -> bool:
    """True where the verdict was held."""
    if decided.held_until is None:
        return False
    remember_holds(request, [decided.held_until])
    return True


def remember_holds(request: HttpRequest, until: Sequence[datetime]) -> None:
    if until:
        request.session[LOOK_UNTIL] = max(until).isoformat()
