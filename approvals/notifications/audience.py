"""Whom a notification concerns, and on which channels they are told. Pure.

The people come from the tier of the team's escalation policy, the channels from the tier or, where
it names none, from the team's own. Escalations and takeovers go out on primary and backup
channels; everything else on the primary ones, or on the backup where there is no primary.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from approvals.escalation.policy import EscalationPolicy
from approvals.models import ApprovalRequest, Notification, NotificationChannel, Transport
from approvals.vocabulary import OPEN, Status

Kind = Notification.Kind
Role = NotificationChannel.Role

# News that people get; what is not in here goes to agents and to channels that get everything.
FOR_PEOPLE = frozenset(
    {
        Kind.WAITING,
        Kind.NOTIFY,
        Kind.REMINDER,
        Kind.ESCALATED,
        Kind.ANSWERED,
        Kind.EXPIRED,
        Kind.TAKEOVER,
        Kind.TAKEOVER_REMINDER,
        Kind.TAKEOVER_ESCALATED,
    }
)
ON_BOTH = frozenset({Kind.ESCALATED, Kind.TAKEOVER, Kind.TAKEOVER_ESCALATED})
# What an agent hears at its callback URL, and under which name.
CALLBACKS = {
    Kind.CLOSED: "request.decided",
    Kind.EXPIRED: "request.decided",
    Kind.ESCALATED: "request.escalated",
    Kind.ASKED: "request.question",
    Kind.TAKEOVER: "agent.read_only",
    Kind.RELEASED: "takeover.resolved",
}
CLOSING = frozenset({Kind.CLOSED, Kind.EXPIRED})
# What an escalation at the same tier says too, and to the same people.
BEFORE_ESCALATION = frozenset({Kind.WAITING, Kind.REMINDER, Kind.ANSWERED})


@dataclass(frozen=True, slots=True)
class Route:
    """One message to plan: by a channel, to one person or to those who share it."""

    channel: UUID
    transport: str
    person: UUID | None
    people: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What routing asks of a channel. `readers`: who is known to read it, of all people."""

    id: UUID
    transport: str
    role: str
    readers: frozenset[UUID]


def is_overtaken(news: Notification, request: ApprovalRequest) -> bool:
    """Whether an escalation tells the same people, on all of their channels: they are not told
    of both, when the earlier news comes late.
    """
    since = request.waiting_since
    return (
        news.kind in BEFORE_ESCALATION
        and request.status == Status.ESCALATED
        and request.tier == news.tier
        and since is not None
        and news.created_at < since
    )


def awaits_due_step(news: Notification, request: ApprovalRequest, now: datetime) -> bool:
    """Whether time is up, so that something else will have to be told in a moment."""
    deadline = request.deadline
    asks = news.kind in BEFORE_ESCALATION and request.status in OPEN
    return asks and deadline is not None and deadline <= now


def channels_for(
    kind: Kind, policy: EscalationPolicy, tier: int, channels: Sequence[ChannelFacts]
) -> list[ChannelFacts]:
    """The channels on which the people of a tier are told, primary ones first."""
    step = policy.tier(tier)
    primary = _chosen(channels, step.primary, Role.PRIMARY)
    backup = _chosen(channels, step.backup, Role.BACKUP)
    chosen = primary + backup if kind in ON_BOTH or not primary else primary
    return list(dict.fromkeys(chosen))


def backup_for(
    policy: EscalationPolicy, tier: int, channels: Sequence[ChannelFacts]
) -> list[ChannelFacts]:
    """Where people are told when a primary channel fails."""
    return _chosen(channels, policy.tier(tier).backup, Role.BACKUP)


def _chosen(
    channels: Sequence[ChannelFacts], named: Collection[UUID], role: str
) -> list[ChannelFacts]:
    if named:
        return [channel for channel in channels if channel.id in named]
    return [channel for channel in channels if channel.role == role]


def routes(channels: Iterable[ChannelFacts], told: Sequence[UUID]) -> list[Route]:
    """E-mail goes to each person; the other channels are shared."""
    planned: list[Route] = []
    for channel in channels:
        if channel.transport == Transport.EMAIL:
            planned += [Route(channel.id, channel.transport, one, (one,)) for one in told]
        else:
            readers = tuple(person for person in told if person in channel.readers)
            planned.append(Route(channel.id, channel.transport, None, readers))
    return planned
