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
            Key(("u", "Esc"), "Back: close what is open; what you typed is kept"),
            Key(("[",), "Previous request"),
            Key(("]",), "Next request"),
            Key(("/",), "Search in this list"),
        ),
    ),
    KeyGroup(
        "Decide: a letter opens a form, Ctrl Enter sends it",
        (
            Key(("a",), "Approve"),
            Key(("e",), "Edit, then approve"),
            Key(("r",), "Reject, with a reason"),
            Key(("c",), "Ask the agent"),
            Key(("s",), "Escalate"),
            Key(("t",), "Take over"),
            Key(("v",), "View the evidence, which a hard approval needs"),
            Key(("Space",), "Tick the check that has the focus"),
            Key(("Ctrl Enter",), "Commit the open form, and go on to the next request"),
            Key(("z",), "Undo what was just committed, while it is held"),
        ),
    ),
    KeyGroup(
        "Queue",
        (
            Key(("m",), "Claim, or release your claim"),
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
            Key(("M",), "All selected: claim"),
            Key(("S",), "All selected: escalate"),
            Key(("R",), "All selected: reject"),
            Key(("A",), "All selected: approve"),
        ),
    ),
    KeyGroup(
        "Go to: one key after the other",
        (
            Key(("g d",), "Home, the dashboard"),
            Key(("g q",), "Queue"),
            Key(("g h",), "Requests, history"),
            Key(("g a",), "Agents"),
            Key(("g p",), "Policy"),
            Key(("g l",), "Audit log"),
            Key(("Ctrl K",), "Find anything: a page, an action, a request"),
            Key(("?",), "This help"),
        ),
    ),
)
