"""How levels and states look: words, tone and icon. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LevelLook:
    value: int
    code: str
    name: str
    short: str

    @property
    def bars(self) -> tuple[bool, ...]:
        return tuple(index <= self.value for index in range(5))


LEVELS = (
    LevelLook(0, "FULL_AUTO", "Full auto", "Auto"),
    LevelLook(1, "NOTIFY_ONLY", "Notify only", "Notify"),
    LevelLook(2, "SOFT_APPROVAL", "Soft approval", "Soft"),
    LevelLook(3, "HARD_APPROVAL", "Hard approval", "Hard"),
    LevelLook(4, "HUMAN_TAKEOVER", "Human takeover", "Takeover"),
)
_BY_CODE = {level.code: level for level in LEVELS}


def level_look(level: int | str) -> LevelLook:
    """By number or by name; anything else is a bug of the caller."""
    if isinstance(level, str):
        return _BY_CODE[level]
    if not 0 <= level <= 4:
        raise ValueError(f"no such level: {level}")
    return LEVELS[level]


@dataclass(frozen=True, slots=True)
class StateLook:
    label: str
    tone: str
    icon: str


# Expired, rejected and cancelled differ in word, colour, icon and outline, so that nobody who
# sees only one of these takes one for another.
STATES: dict[str, StateLook] = {
    # requests
    "pending": StateLook("Pending", "info", "clock"),
    "needs_info": StateLook("Needs info", "info-outline", "ask"),
    "escalated": StateLook("Escalated", "warn", "escalate"),
    "approved": StateLook("Approved", "ok", "check"),
    "rejected": StateLook("Rejected", "danger", "x"),
    "cancelled": StateLook("Cancelled", "neutral", "cancelled"),
    "expired": StateLook("Expired", "warn-outline", "hourglass"),
    "taken_over": StateLook("Taken over", "takeover", "takeover"),
    # executions of approved requests
    "available": StateLook("Not yet executed", "info", "clock"),
    "claimed": StateLook("Executing", "info", "play"),
    "lapsed": StateLook("Approval lapsed", "warn-outline", "hourglass"),
    "revoked": StateLook("Approval revoked", "neutral", "cancelled"),
    "reported": StateLook("Outcome reported", "neutral", "check"),
    # outcomes
    "success": StateLook("Success", "ok", "check"),
    "failure": StateLook("Failure", "danger", "x"),
    # agents
    "active": StateLook("Active", "ok", "check"),
    "read_only": StateLook("Read-only", "takeover", "lock"),
    "disabled": StateLook("Disabled", "neutral", "cancelled"),
    "frozen": StateLook("Frozen", "frozen", "freeze"),
}


def state_look(state: str) -> StateLook:
    known = STATES.get(state)
    return known or StateLook(state.replace("_", " ").capitalize(), "neutral", "info")


def initials(name: str) -> str:
    """Two letters at most; an address counts up to its @."""
    words = name.split("@")[0].replace(".", " ").replace("_", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"
