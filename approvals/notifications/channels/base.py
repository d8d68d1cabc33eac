"""What every channel speaks: an outgoing message in, a receipt or a failure out.

A channel is a module with one function, `send(message: Outgoing) -> Receipt`. It touches no
database and takes no lock; it is called outside of any transaction, after the attempt is on
record. The message's id is the same at each attempt: receivers recognise repeats by it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.models import ApprovalRequest, Notification, Takeover, Transport
from hitlconsole.accounts.models import User

# A whole attempt, with everything that it asks of the network.
ATTEMPT_SECONDS = 20.0
EXCERPT = 2000


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a message tells, as it stands when the message is sent."""

    kind: Notification.Kind
    tier: int
    at: datetime
    request: ApprovalRequest | None = None
    takeover: Takeover | None = None


@dataclass(frozen=True, slots=True)
class PersonalLink:
    url: str
    code: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is to be sent now.

    `settings` and `secrets` are the channel's (opened), `people` those it is addressed to,
    `names` what the channel calls them (person -> id there), `address` an agent's callback URL,
    `updates_ref` the receiver's name for an earlier message that this one brings up to date.
    """

    id: UUID
    transport: Transport
    kind: Notification.Kind
    news: tuple[News, ...]
    now: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    people: tuple[User, ...] = ()
    names: Mapping[UUID, str] = field(default_factory=dict)
    address: str = ""
    updates_ref: str = ""
    # For a person who may decide by mail: request -> the link to its page, with the code beside it.
    links: Mapping[UUID, PersonalLink] = field(default_factory=dict, repr=False)
    folded: bool = False
    # What a message says that carries no news: a trial of the channel.
    note: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has accepted it. `reference`: its name for the message."""

    reference: str = ""
    status: int | None = None
    response: str = ""


def storable(text: str, longest: int = EXCERPT) -> str:
    """What others say, as a column takes it: without NUL and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")[:longest]


class Failure(Exception):
    """It was not accepted. `status` and `response` are what the provider said, if anything."""

    def __init__(self, detail: str, *, status: int | None = None, response: str = "") -> None:
        super().__init__(detail)
        self.detail, self.status, self.response = storable(detail), status, storable(response)


class Temporary(Failure):
    """May work later; not before `retry_after` seconds, where the provider named a time."""

    def __init__(
        self,
        detail: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        response: str = "",
    ) -> None:
        super().__init__(detail, status=status, response=response)
        self.retry_after = retry_after


class Permanent(Failure):
    """Would fail again in the same way, until somebody changes something."""


Send = Callable[[Outgoing], Receipt]
