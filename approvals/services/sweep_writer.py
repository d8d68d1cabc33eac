"""Writing many changes of requests in three statements: rows, news, events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from approvals.live.publish import tell_changed
from approvals.services.changes import Change
from audit.events import Event
from audit.services import record
from hitlconsole.lib.jsonout import dumps

# column -> its type in the parameter: what a due step may change.
COLUMNS = {
    "id": "uuid",
    "revision": "int",
    "status": "text",
    "level": "smallint",
    "resolution": "text",
    "reason": "text",
    "tier": "smallint",
    "last_tier": "smallint",
    "waiting_since": "timestamptz",
    "deadline": "timestamptz",
    "reminder_at": "timestamptz",
    "extended_seconds": "int",
    "claimed_by_id": "uuid",
    "claimed_until": "timestamptz",
    "execution": "text",
    "approval_until": "timestamptz",
    "notice": "jsonb",
    "closed_at": "timestamptz",
}
NEWS_COLUMNS = {
    "id": "uuid",
    "kind": "text",
    "team_id": "uuid",
    "request_id": "uuid",
    "tier": "smallint",
    "created_at": "timestamptz",
}


def _shape(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


_UPDATE = f"""
UPDATE approvals_approvalrequest AS request
SET {", ".join(f"{name} = changed.{name}" for name in COLUMNS if name != "id")}
FROM jsonb_to_recordset(%s::jsonb) AS changed ({_shape(COLUMNS)})
WHERE request.id = changed.id
"""  # noqa: S608 - constants of this module
_TELL = f"""
INSERT INTO approvals_notification
    (id, kind, team_id, request_id, tier, status, attempts, next_attempt_at, last_error, created_at)
SELECT id, kind, team_id, request_id, tier, 'queued', 0, created_at, '', created_at
FROM jsonb_to_recordset(%s::jsonb) AS news ({_shape(NEWS_COLUMNS)})
"""  # noqa: S608 - constants of this module


def write_changes(done: Sequence[tuple[Change, Sequence[Event]]], *, at: datetime) -> None:
    """What Change.save does for one, for many; the caller holds the locks and the transaction."""
    if not done:
        return
    for change, _ in done:
        change.request.revision += change.grows
    news = [row for change, _ in done for row in change.news]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [_rows([change.request for change, _ in done], COLUMNS)])
        if news:
            cursor.execute(_TELL, [_rows(news, NEWS_COLUMNS)])
    record([event for _, events in done for event in events], at=at)
    tell_changed(change.request for change, _ in done)


def _rows(values: Sequence[Any], columns: dict[str, str]) -> str:
    """Times keep their microseconds: deadlines are compared."""
    rows = [{name: _plain(getattr(value, name)) for name in columns} for value in values]
    return dumps(rows).decode()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
