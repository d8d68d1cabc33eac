"""Requests, what people did with them, whom to tell, and what has to go out because of it."""

from approvals.models.escalation import (
    Absence,
    OnCallRotation,
    RotationOverride,
    TeamEscalation,
)
from approvals.models.outbox import (
    CallbackSecret,
    ChannelIdentity,
    DecisionLink,
    Delivery,
    DeliveryAttempt,
    DeliveryItem,
    Notice,
    Notification,
    NotificationChannel,
    Transport,
)
from approvals.models.requests import (
    NOT_APPROVED,
    OPEN_VALUES,
    ApprovalRequest,
    Decision,
    Message,
)
from approvals.models.reviewing import EvidenceLook, Hold, Looker, SavedView
from approvals.models.takeovers import Presence, Takeover

__all__ = [
    "NOT_APPROVED",
    "OPEN_VALUES",
    "Absence",
    "ApprovalRequest",
    "CallbackSecret",
    "ChannelIdentity",
    "Decision",
    "DecisionLink",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryItem",
    "EvidenceLook",
    "Hold",
    "Looker",
    "Message",
    "Notice",
    "Notification",
    "NotificationChannel",
    "OnCallRotation",
    "Presence",
    "RotationOverride",
    "SavedView",
    "Takeover",
    "TeamEscalation",
    "Transport",
]
