"""What a decision form sent, read strictly. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from approvals.console.editing import MORE_PREFIX, PREFIX, STATE_PREFIX, WHOLE
from approvals.console.words import REJECT_REASONS
from approvals.vocabulary import Verdict
from autonomy.vocabulary import Level

MAX_TOKEN = 64
MAX_TYPE = 100
ARGUMENT_PREFIXES = (PREFIX, STATE_PREFIX, MORE_PREFIX)


@dataclass(frozen=True, slots=True)
class Sent:
    verdict: Verdict
    revision: int
    token: str
    notes: str = ""
    preset: str = ""
    checked: bool = False
    preview: bool = False
    tier: int | None = None
    # Of an edit: the chosen action type, the one that the fields were made for, and the digest of
    # the preview that the person has seen.
    action_type: str = ""
    fields_of: str = ""
    previewed: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def only_shows(self) -> bool:
        """Nothing is to be decided yet: what the edit does is to be shown, or other fields."""
        return self.preview or self.action_type != self.fields_of

    @property
    def words(self) -> str:
        """The chosen reason and the text, as the agent gets them."""
        return reason_words(self.preset, self.notes)


def reason_words(preset: str, notes: str) -> str:
    return ": ".join(part for part in (preset, notes.strip()) if part)


class Unreadable(ValueError):
    """No form of ours sends that."""


def read_sent(post: Mapping[str, str]) -> Sent:
    """Raises Unreadable."""
    verdict, revision, token = post.get("verdict", ""), post.get("revision", ""), post.get("token")
    if verdict not in set(Verdict):
        raise Unreadable("There is no such verdict.")
    if not revision.isdecimal() or len(revision) > 9:
        raise Unreadable("The revision is missing.")
    if not token or len(token) > MAX_TOKEN or not token.isprintable():
        raise Unreadable("The token is missing.")
    return Sent(
        verdict=Verdict(verdict),
        revision=int(revision),
        token=token,
        notes=read_notes(post),
        preset=read_preset(post),
        checked=post.get("checked") == "yes",
        preview=post.get("step") == "preview",
        tier=_tier(post.get("tier", "")),
        action_type=_text(post.get("action_type", ""))[:MAX_TYPE],
        fields_of=_text(post.get("fields_of", ""))[:MAX_TYPE],
        previewed=post.get("previewed", ""),
        typed={name: _text(text) for name, text in post.items() if _is_argument(name)},
    )


def read_notes(post: Mapping[str, str]) -> str:
    return _text(post.get("notes", ""))


def read_preset(post: Mapping[str, str]) -> str:
    """One of the reasons that are offered, or none."""
    preset = post.get("preset", "")
    return preset if preset in REJECT_REASONS else ""


def _tier(text: str) -> int | None:
    """The step to escalate to; nothing chosen is the next one."""
    return int(text) if text.isdecimal() and len(text) < 5 else None


def _is_argument(name: str) -> bool:
    return name == WHOLE or name.startswith(ARGUMENT_PREFIXES)


def _text(text: str) -> str:
    """Postgres takes no NUL, and no form of ours sends one."""
    return text.replace("\x00", "").replace("\r\n", "\n")


def form_errors(sent: Sent, level: Level) -> dict[str, str]:
    """What the page itself asks for, by field, before any service is called."""
    if sent.verdict is Verdict.REJECT and not sent.words:
        return {"notes": "Choose or write a reason: the agent gets it."}
    approving = sent.verdict in (Verdict.APPROVE, Verdict.APPROVE_WITH_EDITS)
    if approving and not sent.only_shows and level >= Level.HARD_APPROVAL and not sent.checked:
        return {"checked": "Tick that you looked at this before you approve."}
    return {}
