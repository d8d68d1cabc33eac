"""Was notice given: the evidence that somebody could have objected.

A delivery to people who may decide, accepted by its provider in time, or such a person with the
live queue open for as long; and the console itself was there to object in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.escalation.clock import NOTICE
from approvals.models import ApprovalRequest, Delivery, Notification
from hitlconsole.accounts.models import Role
from hitlconsole.lib.clock import rfc3339

# News that ask somebody to decide.
ASKING = (
    Notification.Kind.WAITING,
    Notification.Kind.REMINDER,
    Notification.Kind.ESCALATED,
    Notification.Kind.ANSWERED,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves the notice of one request: a delivery (by its transport) or a presence.

    `people`: those whom it reached and who may decide and approve; `at`: when.
    """

    kind: str
    id: str
    transport: str
    people: tuple[UUID, ...]
    at: datetime

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "id": self.id,
            "transport": self.transport,
            "people": [str(person) for person in self.people],
            "at": rfc3339(self.at),
        }


# What Python's strip() takes away, as access.approval_refusal does.
_BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())

# Of each request the earliest delivery, and only where there is none the earliest presence. What
# was on its way before the wait began says what was there before it.
_EVIDENCE = """
WITH wait AS MATERIALIZED (
    SELECT request.id, request.team_id, agent.owner_id,
           lower(btrim(request.on_behalf_of, %(blanks)s)) AS behalf,
           request.waiting_since, request.deadline,
           least(%(notice)s, (request.deadline - request.waiting_since) / 2) AS needed
    FROM approvals_approvalrequest AS request
    JOIN accounts_agent AS agent ON agent.id = request.agent_id
    WHERE request.id = ANY(%(requests)s)
      AND request.waiting_since IS NOT NULL AND request.deadline IS NOT NULL
      AND (request.deadline > hitl_now() OR EXISTS (
          SELECT FROM lib_heartbeat AS beat
          WHERE beat.kind = 'web' AND beat.started_at <= request.deadline
            AND beat.last_seen_at >= request.deadline - interval '60 seconds'))
), decider AS MATERIALIZED (
    SELECT wait.id, member.user_id
    FROM wait
    JOIN accounts_membership AS member
        ON member.team_id = wait.team_id AND member.role = %(reviewer)s
    JOIN accounts_user AS person ON person.id = member.user_id AND person.is_active
    WHERE person.id IS DISTINCT FROM wait.owner_id AND lower(person.email) <> wait.behalf
), told AS (
    SELECT DISTINCT ON (wait.id) wait.id, 1 AS rank, 'delivery' AS kind, delivery.id::text AS proof,
           delivery.transport, attempt.finished_at AS at,
           ARRAY(SELECT user_id FROM decider
                 WHERE decider.id = wait.id AND user_id = ANY(delivery.people)) AS people
    FROM wait
    JOIN approvals_deliveryitem AS item ON item.request_id = wait.id
    JOIN approvals_delivery AS delivery ON delivery.id = item.delivery_id
    JOIN approvals_deliveryattempt AS attempt ON attempt.delivery_id = delivery.id
    WHERE delivery.status = %(sent)s AND delivery.kind = ANY(%(asking)s)
      AND attempt.outcome = %(sent)s AND attempt.started_at >= wait.waiting_since
      AND attempt.finished_at <= wait.deadline - wait.needed
      AND EXISTS (SELECT FROM decider
                  WHERE decider.id = wait.id AND decider.user_id = ANY(delivery.people))
    ORDER BY wait.id, attempt.finished_at
), there AS (
    SELECT DISTINCT ON (wait.id) wait.id, 2 AS rank, 'presence' AS kind, presence.id::text AS proof,
           '' AS transport, greatest(presence.started_at, wait.waiting_since) AS at,
           ARRAY[presence.user_id] AS people
    FROM wait
    JOIN decider ON decider.id = wait.id
    JOIN approvals_presence AS presence
        ON presence.team_id = wait.team_id AND presence.user_id = decider.user_id
    WHERE presence.last_seen_at > wait.waiting_since
      AND least(presence.last_seen_at, wait.deadline)
          - greatest(presence.started_at, wait.waiting_since) >= wait.needed
    ORDER BY wait.id, presence.started_at
)
SELECT DISTINCT ON (id) id, kind, proof, transport, people, at
FROM (SELECT * FROM told UNION ALL SELECT * FROM there) AS evidence
ORDER BY id, rank
"""


def evidence_of(request_ids: Iterable[UUID]) -> dict[UUID, Evidence]:
    """Of those requests for which notice was given (so far, where the deadline is ahead)."""
    wanted = list(request_ids)
    if not wanted:
        return {}
    parameters: dict[str, Any] = {
        "requests": wanted,
        "notice": NOTICE,
        "blanks": _BLANKS,
        "reviewer": Role.REVIEWER.value,
        "sent": Delivery.Status.SENT.value,
        "asking": [kind.value for kind in ASKING],
    }
    with connection.cursor() as cursor:
        cursor.execute(_EVIDENCE, parameters)
        found = cursor.fetchall()
    return {
        request_id: Evidence(kind, proof, transport, tuple(people), at)
        for request_id, kind, proof, transport, people, at in found
    }


def notice_of(request: ApprovalRequest) -> Evidence | None:
    return evidence_of([request.id]).get(request.id)
