"""Who had the live queue open, for how long: one kind of evidence of notice (notice.py)."""

from datetime import timedelta
from typing import Any

from django.db import connection

from approvals.access import decision_refusal
from approvals.models import OPEN_VALUES, ApprovalRequest
from hitlconsole.accounts.models import Role, User
from hitlconsole.lib.clock import HitlNow

# A stretch goes on while heartbeats come at most this far apart.
GAP = timedelta(seconds=15)

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
