"""The words of a request's life. Pure."""

from enum import StrEnum


class Status(StrEnum):
    PENDING = "pending"
    NEEDS_INFO = "needs_info"
    ESCALATED = "escalated"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    TAKEN_OVER = "taken_over"


OPEN = (Status.PENDING, Status.NEEDS_INFO, Status.ESCALATED)
CLOSED = tuple(status for status in Status if status not in OPEN)


class Resolution(StrEnum):
    """How a request closed."""

    AUTOMATIC = "automatic"
    HUMAN = "human"
    SILENT_CONSENT = "silent_consent"
    WITHDRAWN = "withdrawn"
    EXHAUSTED = "exhausted"
    TAKEOVER = "takeover"


class Execution(StrEnum):
    """What became of an approval: it is good for one execution and for a while."""

    AVAILABLE = "available"
    CLAIMED = "claimed"
    LAPSED = "lapsed"
    REVOKED = "revoked"
    REPORTED = "reported"


class Verdict(StrEnum):
    """What a person may do with an open request."""

    APPROVE = "approve"
    APPROVE_WITH_EDITS = "approve_with_edits"
    REJECT = "reject"
    ASK = "ask"
    ESCALATE = "escalate"
    TAKE_OVER = "take_over"


class Channel(StrEnum):
    """Through which door something came."""

    WEB = "web"
    API = "api"
    SLACK = "slack"
    EMAIL = "email"
    SWEEP = "sweep"
    POLL = "poll"


class OnDeadline(StrEnum):
    """What silence will mean."""

    APPROVE = "approve"
    ESCALATE = "escalate"
    EXPIRE = "expire"


class HoldEnd(StrEnum):
    """How a held verdict ended."""

    COUNTED = "counted"
    UNDONE = "undone"
    CANCELLED = "cancelled"


class TakeoverStatus(StrEnum):
    OPEN = "open"
    RELEASED = "released"


class Handover(StrEnum):
    """How often the next person of a rotation takes over."""

    DAILY = "daily"
    WEEKLY = "weekly"


CLAIM_SECONDS = 600
EXTEND_SECONDS = 300
# Where the deadline is nearer than that, a verdict counts at once.
NO_HOLD_WITHIN_SECONDS = 60
