"""Who had the live queue open, for how long: the evidence that somebody could have objected."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest, Least

from approvals.access import deciders
from approvals.models import ApprovalRequest, Presence
from hitlconsole.accounts.models import Role, User

# A stretch goes on while heartbeats come at most this far apart.
GAP = timedelta(seconds=15)
ENOUGH = timedelta(seconds=60)

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


def record_presence(user: User) -> None:
    """A heartbeat of a visible tab with the live queue; writes at most every 4 s."""
    beat: dict[str, Any] = {"user": user.id, "role": Role.REVIEWER.value, "gap": GAP}
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, beat)


def notice_was_given(request: ApprovalRequest) -> Presence | None:
    """The presence that proves it: a person who may decide had the queue open for 60 s of the
    wait, or for half the time limit if that is shorter. None: nobody had the chance to object.
    """
    if request.deadline is None or request.waiting_since is None:
        return None
    needed = min(ENOUGH, (request.deadline - request.waiting_since) / 2)
    return _presences(request, request.waiting_since, request.deadline, needed).first()


def _presences(
    request: ApprovalRequest, begin: datetime, end: datetime, needed: timedelta
) -> QuerySet[Presence]:
    overlap = Least(F("last_seen_at"), end) - Greatest(F("started_at"), begin)
    people = deciders(request.team_id)
    if request.agent.owner_id is not None:
        people = people.exclude(pk=request.agent.owner_id)
    if request.on_behalf_of:
        people = people.exclude(email__iexact=request.on_behalf_of.strip())
    return (
        Presence.objects.filter(Q(team=request.team_id, user__in=people, last_seen_at__gt=begin))
        .annotate(overlap=overlap)
        .filter(overlap__gte=needed)
        .order_by("started_at")
    )
