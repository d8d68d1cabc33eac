"""What an agent asks, after validation and before any decision. Pure."""

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from autonomy.policy.facts import Facts
from hitlconsole.lib.canonical import canonical_bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """One validated body. `facts` is what the agent states, its failures not yet counted.

    `action` is the canonical JSON of {"type", "arguments"}; `body_sha256` is the digest of the
    canonical whole body, by which a repeated submission is recognised.
    """

    action_type: str
    arguments: dict[str, Any]
    description: str
    facts: Facts
    risk: dict[str, Any]
    body_sha256: bytes
    confidence: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    resume_state: Any = None
    on_behalf_of: str = ""
    callback_url: str = ""
    traceparent: str = ""
    previous: UUID | None = None
    idempotency_key: str | None = None
    action: bytes = field(init=False, repr=False)
    action_sha256: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Made once: canonical JSON costs about as much as the rest of an intake's Python.
        action = action_bytes(self.action_type, self.arguments)
        object.__setattr__(self, "action", action)
        object.__setattr__(self, "action_sha256", hashlib.sha256(action).digest())


def action_bytes(action_type: str, arguments: dict[str, Any]) -> bytes:
    """The canonical JSON of an action: what is shown, hashed and executed."""
    return canonical_bytes({"type": action_type, "arguments": arguments})
