"""The entry: the exact bytes of an event that are hashed, version 1. Pure.

An entry is RFC 8785 canonical JSON. Members that do not apply are null, so that every entry has
the same names. `commitments` holds, for each erasable value, the base64 SHA-256 over the
canonical JSON of [salt, name, value], the salt as lower-case hex of 16 random bytes.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.events import Event
from hitlconsole.lib.canonical import canonical_bytes

ENTRY_VERSION = 1
SALT_BYTES = 16
MAX_ENTRY_BYTES = 65_535


class EntryTooLarge(ValueError):
    """An entry must stay below the size that log tools take."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """An erasable value with the salt that opens its commitment."""

    name: str
    salt: bytes
    value: Any


def commitment(disclosure: Disclosure) -> str:
    opened = canonical_bytes([disclosure.salt.hex(), disclosure.name, disclosure.value])
    return base64.b64encode(hashlib.sha256(opened).digest()).decode()


def disclose(personal: dict[str, Any], make_salt: Callable[[int], bytes]) -> list[Disclosure]:
    return [Disclosure(name, make_salt(SALT_BYTES), value) for name, value in personal.items()]


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def build_entry(
    event: Event, *, event_id: UUID, timestamp: str, stream_seq: int, disclosures: list[Disclosure]
) -> bytes:
    """The canonical bytes; `timestamp` is RFC 3339 UTC with milliseconds.

    Raises EntryTooLarge: a payload holds facts, never bulk.
    """
    entry = canonical_bytes(
        {
            "v": ENTRY_VERSION,
            "event_id": str(event_id),
            "timestamp": timestamp,
            "event_type": event.type.value,
            "stream": event.stream,
            "stream_seq": stream_seq,
            "actor": {"kind": event.actor.kind.value, "id": _text(event.actor.id)},
            "request_id": _text(event.request_id),
            "agent_id": _text(event.agent_id),
            "action_type": event.action_type,
            "hitl_level": event.level,
            "confidence_score": event.confidence_score,
            "reviewer_id": _text(event.reviewer_id),
            "reviewer_decision": event.reviewer_decision,
            "latency_ms": event.latency_ms,
            "status_before": event.status_before,
            "status_after": event.status_after,
            "channel": event.channel,
            "resolution": event.resolution,
            "policy_version": event.policy_version,
            "payload": event.payload,
            "commitments": {d.name: commitment(d) for d in disclosures},
        }
    )
    if len(entry) > MAX_ENTRY_BYTES:
        raise EntryTooLarge(f"the entry of {event.type} has {len(entry)} bytes")
    return entry
