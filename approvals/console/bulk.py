"""One deed on several requests: on each by itself, through the door that one alone goes through.

Each has a transaction of its own, so that what fails for one leaves the others done.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from approvals.access import visible_requests
from approvals.console.decided import decided_words
from approvals.console.filters import read_uuid
from approvals.console.verdicts import MAX_TOKEN
from approvals.models import ApprovalRequest
from approvals.services.claims import claim_request, reassign_request, release_claim
from approvals.services.decide import decide_request
from approvals.vocabulary import Channel, Verdict
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Membership, Role, User
from hitlconsole.lib.problems import Problem

MOST = 100
# The first verdict of many waits for the last one, so that one undo reaches all of them.
VERDICTS_PER_SECOND = 20
RELATED = ("agent", "team", "claimed_by")


class Deed(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    REASSIGN = "reassign"
    APPROVE = "approve"
    REJECT = "reject"
    ESCALATE = "escalate"


VERDICTS = {
    Deed.APPROVE: Verdict.APPROVE,
    Deed.REJECT: Verdict.REJECT,
    Deed.ESCALATE: Verdict.ESCALATE,
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selected request as the person saw it; `token` makes a form sent twice one deed."""

    id: UUID
    revision: int
    token: str

    def __str__(self) -> str:
        return f"{self.id}:{self.revision}:{self.token}"


@dataclass(frozen=True, slots=True)
class Order:
    """What is done to each: by whom, with which reason, to whom it goes."""

    deed: Deed
    reviewer: User
    notes: str = ""
    to: User | None = None
    hold_seconds: int = 0
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one; `held`: until when it can be undone."""

    id: UUID
    done: bool
    words: str
    held_until: datetime | None = None


def read_chosen(texts: Iterable[str]) -> list[Chosen]:
    """As rows and forms send them, each request once; what can't be read is no choice.

    The tokens of those that had none begin alike: they were given together (console.held).
    """
    found: dict[UUID, Chosen] = {}
    batch = uuid4().hex
    for text in texts:
        identity, _, rest = text.partition(":")
        revision, _, token = rest.partition(":")
        uuid = read_uuid(identity)
        if uuid and revision.isdecimal() and len(revision) < 10 and len(token) <= MAX_TOKEN:
            token = token or f"{batch}.{len(found)}"
            found.setdefault(uuid, Chosen(uuid, int(revision), token))
    return list(found.values())


def load_chosen(user: User, chosen: Sequence[Chosen]) -> list[ApprovalRequest]:
    """Those that the person may see, in the order in which they were chosen."""
    ids = [one.id for one in chosen]
    found = visible_requests(user).select_related(*RELATED).in_bulk(ids)
    return [found[identity] for identity in ids if identity in found]


def approval_obstacle(requests: Sequence[ApprovalRequest]) -> str:
    """Why these can't be approved together, in words."""
    if any(request.level != Level.SOFT_APPROVAL for request in requests):
        return "Only soft approvals (level 2) are approved together; a stricter one is one by one."
    if len({request.action_type for request in requests}) > 1:
        return "Only requests of one action type are approved together."
    return ""


def possible_holders(requests: Iterable[ApprovalRequest]) -> list[User]:
    """Who may decide at least one of them."""
    teams = {request.team_id for request in requests}
    reviewers = Membership.objects.filter(team__in=teams, role=Role.REVIEWER).values("user")
    return list(User.objects.filter(pk__in=reviewers, is_active=True).order_by("name", "email"))


def seconds_to_hold(wanted: int, count: int) -> int:
    """A person who wants no hold gets none."""
    return wanted + count // VERDICTS_PER_SECOND if wanted else 0


def carry_out(order: Order, chosen: Sequence[Chosen]) -> list[Outcome]:
    """Every one of them is done, or has its reason why not."""
    return [_one(order, one) for one in chosen]


def _one(order: Order, one: Chosen) -> Outcome:
    try:
        return DEEDS[order.deed](order, one)
    except Problem as problem:
        return Outcome(one.id, done=False, words=problem.detail or problem.title)


def _claim(order: Order, one: Chosen) -> Outcome:
    claim_request(request_id=one.id, reviewer=order.reviewer)
    return Outcome(one.id, done=True, words="Claimed for the next 10 minutes")


def _release(order: Order, one: Chosen) -> Outcome:
    release_claim(request_id=one.id, reviewer=order.reviewer)
    return Outcome(one.id, done=True, words="Released")


def _reassign(order: Order, one: Chosen) -> Outcome:
    assert order.to is not None  # the form asks for somebody
    reassign_request(request_id=one.id, reviewer=order.reviewer, to=order.to.id)
    return Outcome(one.id, done=True, words=f"Given to {order.to.name}")


def _decide(order: Order, one: Chosen) -> Outcome:
    verdict = VERDICTS[order.deed]
    decided = decide_request(
        request_id=one.id,
        reviewer=order.reviewer,
        verdict=verdict,
        revision=one.revision,
        channel=Channel.WEB,
        notes=order.notes,
        token=one.token,
        signed_in_at=order.signed_in_at,
        hold_seconds=order.hold_seconds,
    )
    held = decided.held_until is not None
    words = "Counts in a few seconds" if held else decided_words(decided, verdict, order.reviewer)
    return Outcome(one.id, done=True, words=words, held_until=decided.held_until)


DEEDS: dict[Deed, Callable[[Order, Chosen], Outcome]] = {
    Deed.CLAIM: _claim,
    Deed.RELEASE: _release,
    Deed.REASSIGN: _reassign,
    Deed.APPROVE: _decide,
    Deed.REJECT: _decide,
    Deed.ESCALATE: _decide,
}
