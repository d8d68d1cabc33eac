"""Reading the record: events with what they disclose, as values that know only ids."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from audit.events import request_stream
from audit.models import AuditDisclosure, AuditEvent

LEAF_PREFIX = b"\x00"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it was written. `personal` holds what has not been erased since."""

    number: int
    raw: bytes
    fields: dict[str, Any]
    personal: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.fields["event_type"])

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.fields["timestamp"])

    @property
    def actor_kind(self) -> str:
        return str(self.fields["actor"]["kind"])

    @property
    def actor_id(self) -> str | None:
        actor: str | None = self.fields["actor"]["id"]
        return actor

    @property
    def erased(self) -> list[str]:
        return [name for name in self.fields["commitments"] if name not in self.personal]

    @property
    def text(self) -> str:
        """The exact bytes that the leaf hash covers."""
        return self.raw.decode()

    @property
    def leaf_hash(self) -> str:
        """RFC 6962: SHA-256(0x00 || entry), in lower-case hex."""
        return hashlib.sha256(LEAF_PREFIX + self.raw).hexdigest()


def request_timeline(request_id: UUID) -> list[Entry]:
    """Everything on record about a request, oldest first."""
    stream = request_stream(request_id)
    return read_entries(AuditEvent.objects.filter(stream=stream).order_by("stream_seq"))


def read_entries(events: QuerySet[AuditEvent] | Sequence[AuditEvent]) -> list[Entry]:
    found = list(events)
    personal = _disclosed(event.event_id for event in found)
    return [
        Entry(
            number=event.pk,
            raw=bytes(event.entry),
            fields=json.loads(bytes(event.entry)),
            personal=personal.get(event.event_id, {}),
        )
        for event in found
    ]


def _disclosed(event_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    disclosed: dict[UUID, dict[str, Any]] = {}
    rows = AuditDisclosure.objects.filter(event_id__in=list(event_ids)).order_by("event_id", "name")
    for event_id, name, value in rows.values_list("event_id", "name", "value"):
        disclosed.setdefault(event_id, {})[name] = value
    return disclosed
