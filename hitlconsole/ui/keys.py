"""The keyboard map: one table for the help dialog and for static/js/keys.js. Pure.

A key acts on the visible element whose `data-key` carries it; a sequence has a space between.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    keys: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class KeyGroup:
    title: str
    keys: tuple[Key, ...]


KEY_GROUPS = (
    KeyGroup(
        "Move",
        (
            Key(("j", "↓"), "Next row"),
            Key(("k", "↑"), "Previous row"),
            Key(("Enter",), "Open the row"),
            Key(("u", "Esc"), "Back"),
            Key(("[",), "Previous request"),
            Key(("]",), "Next request"),
            Key(("/",), "Search"),
        ),
    ),
    KeyGroup(
        "Decide",
        (
            Key(("a",), "Approve"),
            Key(("e",), "Edit, then approve"),
            Key(("r",), "Reject"),
            Key(("c",), "Ask the agent"),
            Key(("s",), "Escalate"),
            Key(("t",), "Take over"),
            Key(("Ctrl Enter",), "Commit what is armed"),
        ),
    ),
    KeyGroup(
        "Queue",
        (
            Key(("m",), "Claim"),
            Key(("+",), "Extend the time limit"),
            Key((".",), "Show new requests"),
            Key(("p",), "Pause live updates"),
        ),
    ),
    KeyGroup(
        "Several at once",
        (
            Key(("x",), "Select the row"),
            Key(("X",), "Select all that are shown, or none"),
            Key(("M",), "Claim what is selected"),
            Key(("S",), "Escalate what is selected"),
            Key(("R",), "Reject what is selected"),
            Key(("A",), "Approve what is selected"),
        ),
    ),
    KeyGroup(
        "Go to",
        (
            Key(("g q",), "Queue"),
            Key(("g h",), "Requests, history"),
            Key(("g a",), "Agents"),
            Key(("g p",), "Policy"),
            Key(("g l",), "Audit log"),
            Key(("?",), "This help"),
        ),
    ),
)
