"""The closed list of event types, and the values an event is made of. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventType(StrEnum):
    """Names are part of the record: they are added to, never renamed or reused."""

    # a request's life
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    ESCALATED = "escalated"
    ASKED = "asked"
    ANSWERED = "answered"
    COMMENTED = "commented"
    EVIDENCE_ADDED = "evidence_added"
    VOTED = "voted"
    EDITED = "edited"
    CANCELLED = "cancelled"
    TAKEN_OVER = "taken_over"
    EXTENDED = "extended"
    CLAIMED = "claimed"
    RELEASED = "released"
    HELD = "held"
    HOLD_UNDONE = "hold_undone"
    HOLD_CANCELLED = "hold_cancelled"
    REASSIGNED = "reassigned"
    LATE_ANSWER = "late_answer"
    CLOCK_STOPPED = "clock_stopped"
    CLOCK_RESTARTED = "clock_restarted"
    # its execution
    EXECUTION_CLAIMED = "execution_claimed"
    EXECUTION_LAPSED = "execution_lapsed"
    EXECUTION_REVOKED = "execution_revoked"
    OUTCOME_REPORTED = "outcome_reported"
    # agents and autonomy
    AGENT_CREATED = "agent_created"
    AGENT_CHANGED = "agent_changed"
    AGENT_READ_ONLY = "agent_read_only"
    AGENT_RELEASED = "agent_released"
    TAKEOVER_ACKNOWLEDGED = "takeover_acknowledged"
    TAKEOVER_ESCALATED = "takeover_escalated"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    CALLBACK_SECRET_ROTATED = "callback_secret_rotated"  # noqa: S105 - a word
    ACTION_TYPE_CREATED = "action_type_created"
    ACTION_TYPE_CHANGED = "action_type_changed"
    PROFILE_MOVED = "profile_moved"
    POLICY_PUBLISHED = "policy_published"
    # people
    PERSON_CREATED = "person_created"
    PERSON_CHANGED = "person_changed"
    TEAM_CREATED = "team_created"
    ESCALATION_CHANGED = "escalation_changed"
    CHANNEL_CHANGED = "channel_changed"
    ABSENCE_CHANGED = "absence_changed"
    MEMBERSHIP_CHANGED = "membership_changed"
    SIGN_IN_LINK_CREATED = "sign_in_link_created"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"


class ActorKind(StrEnum):
    AGENT = "agent"
    PERSON = "person"
    SERVICE = "service"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as plain values: deleting a person can never touch the record."""

    kind: ActorKind
    id: UUID | None = None


SYSTEM = Actor(ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, before it gets its number and time.

    `payload` holds ids, enums, numbers and times alone. Free text, names and digests of actions
    go into `personal`: the entry keeps a salted commitment of each, the value itself stands
    where it can be erased.
    """

    type: EventType
    stream: str
    actor: Actor
    request_id: UUID | None = None
    agent_id: UUID | None = None
    action_type: str | None = None
    level: str | None = None
    confidence_score: float | None = None
    reviewer_id: UUID | None = None
    reviewer_decision: str | None = None
    latency_ms: int | None = None
    status_before: str | None = None
    status_after: str | None = None
    channel: str | None = None
    resolution: str | None = None
    policy_version: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)


def request_stream(request_id: UUID) -> str:
    return f"request:{request_id}"


def agent_stream(agent_id: UUID) -> str:
    return f"agent:{agent_id}"


def person_stream(user_id: UUID) -> str:
    return f"person:{user_id}"


def team_stream(team_id: UUID) -> str:
    return f"team:{team_id}"


def action_type_stream(action_type_id: UUID) -> str:
    return f"action_type:{action_type_id}"


POLICY_STREAM = "policy"
