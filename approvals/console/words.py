"""What the pages say about states and events. Pure."""

from approvals.vocabulary import OnDeadline, Resolution
from autonomy.vocabulary import Level

RESOLUTION_WORDS: dict[Resolution, str] = {
    Resolution.AUTOMATIC: "by policy",
    Resolution.HUMAN: "by a person",
    Resolution.SILENT_CONSENT: "by silence",
    Resolution.WITHDRAWN: "withdrawn",
    Resolution.EXHAUSTED: "nobody decided",
    Resolution.TAKEOVER: "by takeover",
}

SILENCE_WORDS: dict[OnDeadline, str] = {
    OnDeadline.APPROVE: (
        "Silence approves: if nobody objects in time, the agent may go on."
        " Where nobody could be told, it escalates instead."
    ),
    OnDeadline.ESCALATE: "Silence escalates: the next tier is asked. It never approves.",
    OnDeadline.EXPIRE: "Silence ends it: the request expires. That is not an approval.",
}
SILENCE_SHORT: dict[OnDeadline, str] = {
    OnDeadline.APPROVE: "then approved",
    OnDeadline.ESCALATE: "then escalated",
    OnDeadline.EXPIRE: "then expired",
}

SOURCE_WORDS: dict[str, str] = {
    "matrix": "Risk matrix",
    "confidence": "Confidence",
    "autonomy": "Autonomy of the agent",
    "failures": "Recent failures",
    "action_type": "Action type",
    "rules": "Rule",
    "agent": "The agent's wish",
    "delegation": "Delegation",
}

LEVEL_OPTIONS = [(level.value, f"{level.value} {level.label}") for level in Level]

LEVEL_EFFECT: tuple[str, ...] = (
    "Approved at once and recorded.",
    "Approved at once; people are told afterwards.",
    "Waits for a reviewer; when the time is up, silence is consent if people were told.",
    "Waits; only an explicit decision approves. When the time is up it escalates.",
    "The agent stops and becomes read-only; a person carries on.",
)

REJECT_REASONS: tuple[str, ...] = (
    "Wrong target",
    "Wrong amount or values",
    "Against policy",
    "Not enough evidence",
    "Already done",
    "Not needed now",
)

EVENT_WORDS: dict[str, str] = {
    "requested": "Asked",
    "approved": "Approved",
    "rejected": "Rejected",
    "timeout": "Time was up",
    "escalated": "Escalated by hand",
    "asked": "Question asked",
    "answered": "Agent answered",
    "commented": "Comment",
    "evidence_added": "Evidence added",
    "voted": "Vote for approval",
    "edited": "Action edited",
    "level_raised": "Level raised",
    "cancelled": "Withdrawn by the agent",
    "taken_over": "Taken over",
    "claimed": "Claimed",
    "released": "Claim released",
    "reassigned": "Handed on",
    "late_answer": "Late answer, without effect",
    "extended": "Time limit extended",
    "clock_stopped": "Clock stopped",
    "clock_restarted": "Clock restarted",
    "execution_claimed": "Execution claimed",
    "execution_lapsed": "Approval lapsed unused",
    "execution_revoked": "Approval revoked",
    "outcome_reported": "Outcome reported",
    "agent_created": "Agent created",
    "agent_changed": "Agent changed",
    "agent_read_only": "Agent became read-only",
    "agent_released": "Agent released",
    "takeover_acknowledged": "Takeover acknowledged",
    "takeover_escalated": "Takeover not acknowledged: next tier told",
    "callback_secret_rotated": "Callback secret changed",
    "escalation_changed": "Escalation changed",
    "channel_changed": "Channel changed",
    "absence_changed": "Absence changed",
    "key_created": "Key created",
    "key_revoked": "Key revoked",
    "action_type_created": "Action type registered",
    "action_type_changed": "Action type changed",
    "profile_moved": "Autonomy moved",
    "profile_changed": "Autonomy settings changed",
    "policy_published": "Policy published",
    "person_created": "Person added",
    "person_changed": "Person changed",
    "team_created": "Team created",
    "membership_changed": "Membership changed",
    "sign_in_link_created": "Sign-in link created",
    "signed_in": "Signed in",
    "signed_out": "Signed out",
}


def event_words(event_type: str) -> str:
    return EVENT_WORDS.get(event_type, event_type.replace("_", " ").capitalize())


# (tone, icon) of events that stand out in a timeline.
EVENT_LOOKS: dict[str, tuple[str, str]] = {
    "requested": ("info", "ask"),
    "approved": ("ok", "check"),
    "rejected": ("danger", "x"),
    "timeout": ("warn", "hourglass"),
    "escalated": ("warn", "escalate"),
    "asked": ("info", "ask"),
    "answered": ("info", "comment"),
    "commented": ("neutral", "comment"),
    "evidence_added": ("info", "plus"),
    "voted": ("ok", "check"),
    "edited": ("info", "edit"),
    "level_raised": ("warn", "warn"),
    "cancelled": ("neutral", "cancelled"),
    "taken_over": ("takeover", "takeover"),
    "claimed": ("neutral", "claim"),
    "released": ("neutral", "claim"),
    "reassigned": ("neutral", "claim"),
    "extended": ("neutral", "extend"),
    "late_answer": ("warn", "hourglass"),
    "clock_stopped": ("neutral", "pause"),
    "clock_restarted": ("neutral", "play"),
    "execution_claimed": ("info", "play"),
    "execution_lapsed": ("warn", "hourglass"),
    "execution_revoked": ("neutral", "cancelled"),
    "outcome_reported": ("ok", "check"),
    "agent_read_only": ("takeover", "lock"),
    "agent_released": ("ok", "play"),
    "takeover_acknowledged": ("info", "claim"),
    "takeover_escalated": ("warn", "escalate"),
    "key_created": ("neutral", "key"),
    "key_revoked": ("neutral", "key"),
    "signed_in": ("neutral", "user"),
    "signed_out": ("neutral", "sign-out"),
}
