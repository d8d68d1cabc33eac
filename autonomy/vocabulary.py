"""The words of the level decision. Pure."""

from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How much oversight an action needs. Higher is stricter, so `max` combines opinions."""

    FULL_AUTO = 0
    NOTIFY_ONLY = 1
    SOFT_APPROVAL = 2
    HARD_APPROVAL = 3
    HUMAN_TAKEOVER = 4

    @property
    def label(self) -> str:
        """The level in words for people."""
        return self.name.replace("_", " ").capitalize()


class Domain(StrEnum):
    """What an action touches that is always looked at by a person."""

    FINANCIAL = "financial"
    PII = "pii"
    REGULATED = "regulated"


class Recommendation(StrEnum):
    """What the agent itself recommends to do with its plan."""

    PROCEED = "PROCEED"
    CLARIFY = "CLARIFY"
    ESCALATE = "ESCALATE"


class FactsFrom(StrEnum):
    """Whose word may loosen: the agent's statement, or only the action type's registration."""

    STATED = "stated"
    REGISTERED_ONLY = "registered_only"


class Source(StrEnum):
    """Where a contribution to the level comes from."""

    MATRIX = "matrix"
    CONFIDENCE = "confidence"
    AUTONOMY = "autonomy"
    FAILURES = "failures"
    ACTION_TYPE = "action_type"
    RULES = "rules"
    AGENT = "agent"
    DELEGATION = "delegation"
