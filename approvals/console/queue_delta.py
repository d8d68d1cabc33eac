"""What keeps a list live: the answer to what changed about the rows that a page shows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from approvals.console.door import page
from approvals.console.filters import QueueFilter, read_uuid
from approvals.console.queue import MOST_SHOWN, Row
from approvals.console.queue_changes import Changes, load_changes
from approvals.console.sorting import Place
from approvals.services.presence import lookers_of
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.problems import Problem


@page
@require_safe
def delta(request: HttpRequest) -> HttpResponse:
    """What changed about the rows that a page shows; 204 where nothing did."""
    user = current_user(request)
    wanted = QueueFilter.read(request.GET.dict())
    since = read_moment(request.GET.get("since", ""))
    if since is None:
        raise Problem("invalid_request", "since must be a time that the page was made with")
    end = Place.read(request.GET.get("end", ""), wanted.sort)
    changes = load_changes(user, wanted, shown=read_ids(request), since=since, end=end)
    opened = _opened(request, changes)
    lookers = lookers_of(opened.request.id, besides=user) if opened else []
    revision = f"{changes.revision}.{crc32(repr(lookers).encode()):x}"
    if revision == request.GET.get("revision"):
        return HttpResponse(status=204)
    body = delta_body(changes) | {"revision": revision}
    if opened:
        body["rows"][opened.id]["lookers"] = looking_html(lookers)
    return JsonResponse(body)


def _opened(request: HttpRequest, changes: Changes) -> Row | None:
    """The request that the page shows in full, if it is in the person's sight."""
    return next((row for row in changes.shown if row.id == request.GET.get("open")), None)


def looking_html(names: Sequence[str]) -> str:
    return render_to_string("console/slots/lookers.html", {"lookers": names}).strip()


def read_ids(request: HttpRequest) -> list[UUID]:
    parts = request.GET.get("shown", "").split(",")[:MOST_SHOWN]
    return [uuid for uuid in map(read_uuid, parts) if uuid is not None]


def read_moment(text: str) -> datetime | None:
    try:
        # A plus sign that was not quoted arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def delta_body(changes: Changes) -> dict[str, Any]:
    """The contract of static/js/live.js."""
    now = changes.now
    return {
        "rows": {row.id: _slots(row) for row in changes.shown},
        "gone": {row.id: _slot("outcome", row) for row in changes.shown if not row.open}
        | dict.fromkeys(changes.released, "Released"),
        "new": [row.id for row in changes.new],
        "new_count": len(changes.new),
        "new_more": changes.more,
        "urgent": sum(row.urgent for row in changes.new),
        "counts": changes.counts,
        "summary": changes.totals.words,
        "due": render_to_string("console/due.html", {"due_rows": changes.due, "now": now}),
        "server_time": now.isoformat(),
    }


SLOTS = ("level", "status", "due", "holder")


def _slots(row: Row) -> dict[str, str]:
    slots = {name: _slot(name, row) for name in SLOTS}
    return slots | {"@revision": str(row.request.revision)}


def _slot(name: str, row: Row) -> str:
    return render_to_string(f"console/slots/{name}.html", {"row": row, "now": row.now}).strip()
