"""What changed about the rows that a page shows, and what is new beside them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from approvals.access import visible_requests
from approvals.console.filters import QueueFilter
from approvals.console.queue import Row, TakeoverRow, as_rows, lean, load_due, takeover_row
from approvals.console.queue_conditions import matching
from approvals.console.queue_counts import Counted, Totals, count_queue, load_stopped
from approvals.console.saved_views import View, load_views
from approvals.console.sorting import Place
from approvals.models import Takeover
from approvals.vocabulary import TakeoverStatus
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now

# A request's time is read before its commit: look back a little, so that none is missed.
OVERLAP = timedelta(seconds=15)
# Nobody reads on behind that many; the pill then says "more than".
MOST_NEW = 200


@dataclass(frozen=True, slots=True)
class Changes:
    """At the time `now`. `counts`: numbers of the page by name; `shown`: the page's rows; `new`:
    matching rows that it does not show, and `more`: there are others behind them; `released`:
    takeovers on the page that are over.
    """

    now: datetime
    totals: Totals
    counts: dict[str, int]
    shown: Sequence[Row]
    new: Sequence[Row | TakeoverRow]
    more: bool
    released: Sequence[str]
    due: Sequence[Row]

    @property
    def revision(self) -> str:
        """Equal for equal answers (beside their clocks)."""
        tags = [*(row.tag for row in self.shown), *(row.id for row in self.new), *self.released]
        urgent = sum(row.urgent for row in self.new)
        due = (row.id for row in self.due)
        parts = (*tags, *due, *self.counts.items(), self.totals.words, urgent, self.more)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def load_changes(
    user: User,
    wanted: QueueFilter,
    *,
    shown: Sequence[UUID],
    since: datetime,
    end: Place | None = None,
) -> Changes:
    """`shown`: the rows on the page; `since`: the database's time at its making; `end`: where its
    list stops, so that what comes later is no news but waits for its turn.
    """
    requests = matching(user, wanted)
    now, since, known = database_now(), since - OVERLAP, set(shown)
    views = load_views(user)
    filters = [view.wanted for view in views]
    stopped = load_stopped(user, wanted, filters)
    counted = count_queue(user, wanted, stopped, shown, filters)
    news = [t for t in stopped.matching if t.started_at > since and t.id not in known]
    present = lean(visible_requests(user)).filter(pk__in=shown).order_by("id")
    rows = as_rows(present, user, now, wanted)
    fresh = lean(requests.filter(end.before()) if end else requests)
    fresh = fresh.filter(created_at__gt=since).exclude(pk__in=shown).order_by("id")
    found = as_rows(fresh[: MOST_NEW + 1], user, now, wanted)
    return Changes(
        now=now,
        totals=counted.totals,
        counts=live_counts(counted, views),
        shown=rows,
        new=[*(takeover_row(t, wanted) for t in news), *found[:MOST_NEW]],
        more=len(found) > MOST_NEW,
        released=_released(known - {row.request.id for row in rows}),
        due=load_due(user, wanted, now) if counted.totals.due else [],
    )


def live_counts(counted: Counted, views: Sequence[View]) -> dict[str, int]:
    """Numbers that a page keeps up to date, under the names that stand in data-count."""
    found = {f"view-{view.id}": n for view, n in zip(views, counted.by_view, strict=True)}
    return found | {"queue": counted.waiting}


def _released(ids: set[UUID]) -> list[str]:
    if not ids:
        return []
    released = Takeover.objects.filter(pk__in=ids, status=TakeoverStatus.RELEASED)
    return sorted(str(identity) for identity in released.values_list("pk", flat=True))
