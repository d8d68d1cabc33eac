"""Who is there: signs of life of pages that somebody sees.

Who had the live queue open, for how long, is one kind of evidence of notice (notice.py). Who has a
request open at the moment only tells others, and is forgotten.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.access import decision_refusal, visible_requests
from approvals.live.publish import tell_looked
from approvals.models import OPEN_VALUES, ApprovalRequest, Looker
from hitlconsole.accounts.models import Role, User
from hitlconsole.lib.clock import HitlNow

# A stretch goes on while heartbeats come at most this far apart.
GAP = timedelta(seconds=15)
# Whoever gave no sign of life for so long has gone elsewhere.
LOOKING = timedelta(seconds=20)

# One statement: prolong the running stretches, begin the missing ones.
_BEAT = """
WITH clock AS MATERIALIZED (SELECT hitl_now() AS now),
team AS (
    SELECT DISTINCT team_id FROM accounts_membership WHERE user_id = %(user)s AND role = %(role)s
),
running AS MATERIALIZED (
    SELECT presence.id, presence.team_id, presence.last_seen_at
    FROM approvals_presence AS presence JOIN team USING (team_id), clock
    WHERE presence.user_id = %(user)s AND presence.last_seen_at >= clock.now - %(gap)s
),
prolonged AS (
    UPDATE approvals_presence AS presence SET last_seen_at = clock.now
    FROM running, clock
    WHERE presence.id = running.id AND running.last_seen_at < clock.now - interval '4 seconds'
)
INSERT INTO approvals_presence (user_id, team_id, started_at, last_seen_at)
SELECT %(user)s, team.team_id, clock.now, clock.now
FROM team CROSS JOIN clock
WHERE NOT EXISTS (SELECT FROM running WHERE running.team_id = team.team_id)
"""


def record_look(request: ApprovalRequest, user: User) -> None:
    """The first time that somebody who may decide looks at what is open; once, and no revision."""
    if request.first_look_at is None and request.status in OPEN_VALUES:
        unseen = ApprovalRequest.objects.filter(
            pk=request.pk, first_look_at=None, status__in=OPEN_VALUES
        )
        if decision_refusal(user, request) is None:
            unseen.update(first_look_at=HitlNow())


def record_presence(user: User) -> None:
    """A heartbeat of a visible tab with the live queue; writes at most every 4 s."""
    beat: dict[str, Any] = {"user": user.id, "role": Role.REVIEWER.value, "gap": GAP}
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, beat)


# What was there before is read from the snapshot in which the statement began.
_LOOK = """
WITH clock AS MATERIALIZED (SELECT hitl_now() AS now)
INSERT INTO approvals_looker AS looker (request_id, user_id, seen_at)
SELECT %(request)s, %(user)s, clock.now FROM clock
ON CONFLICT (request_id, user_id) DO UPDATE SET seen_at = excluded.seen_at
RETURNING NOT EXISTS (
    SELECT FROM approvals_looker AS before, clock
    WHERE before.request_id = %(request)s AND before.user_id = %(user)s
      AND before.seen_at >= clock.now - %(looking)s
)
"""


def record_looker(user: User, request_id: UUID) -> None:
    """A sign of life of a visible page with this open request; nothing where it is not in the
    person's sight. Others who have it open are told once.
    """
    seen = visible_requests(user).filter(pk=request_id, status__in=OPEN_VALUES)
    request = seen.only("id", "team_id", "agent_id").first()
    if request is None:
        return
    look: dict[str, Any] = {"request": request_id, "user": user.id, "looking": LOOKING}
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, look)
        (news,) = cursor.fetchone()
    if news:
        tell_looked(request)


def lookers_of(request_id: UUID, *, besides: User) -> list[str]:
    """The names of those who have the request open at this moment."""
    looking = Looker.objects.filter(request=request_id, seen_at__gte=HitlNow() - LOOKING)
    names = looking.exclude(user=besides).order_by("user__name", "user_id")
    return list(names.values_list("user__name", flat=True))


def prune_lookers() -> int:
    """Forget those who have gone; how many."""
    return Looker.objects.filter(seen_at__lt=HitlNow() - LOOKING).delete()[0]
