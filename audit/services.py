"""Writing the record, in the transaction of what it records."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from audit.entry import build_entry, disclose
from audit.events import Event
from hitlconsole.lib.clock import rfc3339
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.prepared import prepared_cursor

_BUMP = """
INSERT INTO audit_stream (stream, seq)
SELECT * FROM unnest(%s::text[], %s::bigint[])
ON CONFLICT (stream) DO UPDATE SET seq = audit_stream.seq + EXCLUDED.seq
RETURNING stream, seq
"""
_INSERT = """
WITH event AS (
    INSERT INTO audit_event (event_id, stream, stream_seq, type, request_id, agent_id,
                             action_type, level, actor_kind, actor_id, reviewer_decision, entry)
    SELECT event_id, stream, stream_seq, type, request_id, agent_id, action_type, level,
           actor_kind, actor_id, reviewer_decision, convert_to(entry, 'UTF8')
    FROM jsonb_to_recordset(%s::jsonb) AS e (
        event_id uuid, stream text, stream_seq bigint, type text, request_id uuid,
        agent_id uuid, action_type text, level text, actor_kind text, actor_id uuid,
        reviewer_decision text, entry text)
)
INSERT INTO audit_disclosure (event_id, name, salt, value)
SELECT event_id, name, decode(salt, 'hex'), value
FROM jsonb_to_recordset(%s::jsonb) AS d (event_id uuid, name text, salt text, value jsonb)
"""


class NotInTransaction(RuntimeError):
    """The record must be written in the transaction of what it records."""


def record(events: Sequence[Event], *, at: datetime) -> None:
    """Append events at the database's time `at`; call it last in the transaction.

    Takes the locks of the streams in sorted order, numbers each stream without gaps.
    Raises NotInTransaction outside of one.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("audit.services.record() was called outside a transaction")
    if not events:
        return
    with prepared_cursor() as cursor:
        following = _reserve_numbers(cursor, Counter(event.stream for event in events))
        rows, disclosures = _compose(events, following, rfc3339(at))
        cursor.execute(_INSERT, (_json(rows), _json(disclosures)))


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False)


def _reserve_numbers(cursor: Any, counts: Counter[str]) -> dict[str, int]:
    """The first number of each stream that is free for us."""
    streams = sorted(counts)
    cursor.execute(_BUMP, (streams, [counts[stream] for stream in streams]))
    return {stream: last - counts[stream] + 1 for stream, last in cursor.fetchall()}


def _compose(
    events: Sequence[Event], following: dict[str, int], timestamp: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    opened: list[dict[str, Any]] = []
    for event in events:
        event_id, seq = uuid7(), following[event.stream]
        following[event.stream] = seq + 1
        disclosures = disclose(event.personal, os.urandom)
        entry = build_entry(
            event, event_id=event_id, timestamp=timestamp, stream_seq=seq, disclosures=disclosures
        )
        rows.append(_row(event, str(event_id), seq, entry))
        opened += [
            {"event_id": str(event_id), "name": d.name, "salt": d.salt.hex(), "value": d.value}
            for d in disclosures
        ]
    return rows, opened


def _row(event: Event, event_id: str, seq: int, entry: bytes) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "stream": event.stream,
        "stream_seq": seq,
        "type": event.type.value,
        "request_id": event.request_id and str(event.request_id),
        "agent_id": event.agent_id and str(event.agent_id),
        "action_type": event.action_type,
        "level": event.level,
        "actor_kind": event.actor.kind.value,
        "actor_id": event.actor.id and str(event.actor.id),
        "reviewer_decision": event.reviewer_decision,
        "entry": entry.decode(),
    }
