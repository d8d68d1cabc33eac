"""What a group of submissions depends on, read in two statements whatever its size."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.rows import namedtuple_row

from approvals.planning import Registration, Situation, TierLimits
from approvals.submission import Submission
from autonomy.policy.facts import ActionTypeFacts
from autonomy.services import policy_version
from autonomy.vocabulary import Domain, Level
from hitlconsole.accounts.keys import Caller
from hitlconsole.accounts.models import Agent
from hitlconsole.lib.jsonout import dumps
from hitlconsole.lib.prepared import prepared_cursor
from hitlconsole.lib.problems import Problem

_REPEATS = """
SELECT request.id, request.body_sha256,
       request.resolution IS NOT DISTINCT FROM 'automatic' AS automatic
FROM unnest(%s::uuid[], %s::text[]) WITH ORDINALITY AS asked (agent_id, key, place)
LEFT JOIN approvals_approvalrequest AS request
    ON request.agent_id = asked.agent_id AND request.idempotency_key = asked.key
ORDER BY asked.place
"""
# One parameter, whose length tells the planner nothing: with arrays it would plan each time anew.
_SURROUNDINGS = """
WITH item AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
        AS item (place int, agent_id uuid, key_id uuid, action_type text, previous uuid)
), policy AS MATERIALIZED (
    SELECT number, make_interval(hours => (document->>'failure_window_hours')::int) AS span
    FROM autonomy_policyversion ORDER BY number DESC LIMIT 1
), clock AS MATERIALIZED (SELECT hitl_now() AS now),
agent AS MATERIALIZED (
    SELECT agent.id, agent.status, agent.team_id, takeover.id AS takeover_id,
           (SELECT count(*) FROM autonomy_outcome AS outcome, policy, clock
            WHERE outcome.agent_id = agent.id AND outcome.result = 'failure'
              AND outcome.reported_at >
                  greatest(clock.now - policy.span, agent.failures_since)) AS failures
    FROM accounts_agent AS agent
    LEFT JOIN approvals_takeover AS takeover
        ON takeover.agent_id = agent.id AND takeover.status = 'open'
    WHERE agent.id IN (SELECT agent_id FROM item)
), tiers AS MATERIALIZED (
    SELECT jsonb_object_agg(team_id, jsonb_build_array(last_tier, first_seconds)) AS by_team
    FROM approvals_teamescalation
)
SELECT clock.now, policy.number AS policy_number,
       agent.id AS agent_id, agent.status AS agent_status, agent.team_id AS agent_team_id,
       agent.takeover_id, agent.failures,
       key.revoked_at AS key_revoked_at, key.expires_at AS key_expires_at,
       profile.level AS profile_level,
       CASE WHEN item.previous IS NOT NULL THEN (
           SELECT status FROM approvals_approvalrequest AS previous
           WHERE previous.id = item.previous AND previous.agent_id = item.agent_id
       ) END AS previous_status,
       type.id AS type_id, type.arguments_schema, type.reversible, type.domains, type.cost_usd,
       type.floor, type.side_effects, type.team_id AS type_team_id, type.soft_seconds,
       type.hard_seconds, type.quorum, tiers.by_team AS tiers
FROM item CROSS JOIN policy CROSS JOIN clock CROSS JOIN tiers
JOIN agent ON agent.id = item.agent_id
JOIN accounts_apikey AS key ON key.id = item.key_id
LEFT JOIN autonomy_autonomyprofile AS profile
    ON profile.agent_id = item.agent_id AND profile.action_type = item.action_type
LEFT JOIN autonomy_actiontype AS type ON type.name = item.action_type
ORDER BY item.place
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One agent's submission; the caller's key belongs to an agent."""

    caller: Caller
    submission: Submission

    @property
    def agent_id(self) -> UUID:
        if self.caller.agent_id is None:
            raise Problem("wrong_scope", "Only an agent's own key can ask.")
        return self.caller.agent_id


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The situation of a submission, and what may speak against taking it at all."""

    situation: Situation
    agent_status: str
    takeover_id: UUID | None
    key_revoked_at: datetime | None
    key_expires_at: datetime | None
    has_side_effects: bool
    previous_status: str | None


def find_repeats(
    asked: Sequence[tuple[UUID, Submission]],
) -> list[tuple[UUID, bytes, bool] | None]:
    """For each: (request id, body digest, was it automatic) of an earlier one under the key."""
    if all(submission.idempotency_key is None for _, submission in asked):
        return [None] * len(asked)
    keys = [submission.idempotency_key for _, submission in asked]
    with connection.cursor() as cursor:  # not prepared: the table of requests grows fast
        cursor.execute(_REPEATS, ([agent_id for agent_id, _ in asked], keys))
        return [row if row[0] is not None else None for row in cursor.fetchall()]


def read_surroundings(items: Sequence[Item]) -> list[Surroundings]:
    """One statement, after the agents are held, so that it sees what the lock protects."""
    asked = [
        {
            "place": place,
            "agent_id": item.agent_id,
            "key_id": item.caller.key_id,
            "action_type": item.submission.action_type,
            "previous": item.submission.previous,
        }
        for place, item in enumerate(items)
    ]
    with prepared_cursor() as cursor:
        cursor.cursor.row_factory = namedtuple_row
        cursor.execute(_SURROUNDINGS, [dumps(asked).decode()])
        rows = cursor.fetchall()
    tiers = _tiers_by_team(rows[0].tiers) if rows else {}
    return [_surroundings(row, tiers) for row in rows]


def _tiers_by_team(text: str | None) -> dict[UUID, TierLimits]:
    """Of the teams with an escalation policy of their own."""
    by_team: dict[str, list[int]] = json.loads(text) if text else {}
    return {UUID(team_id): TierLimits(*limits) for team_id, limits in by_team.items()}


def _surroundings(row: Any, tiers: dict[UUID, TierLimits]) -> Surroundings:
    read_only = row.agent_status == Agent.Status.READ_ONLY
    return Surroundings(
        situation=Situation(
            now=row.now,
            agent_id=row.agent_id,
            agent_team_id=row.agent_team_id,
            profile_level=Level(2 if row.profile_level is None else row.profile_level),
            # They have stopped the agent already; its lookups still pass.
            failures=0 if read_only else row.failures,
            registration=_registration(row),
            policy=policy_version(row.policy_number),
            profile_exists=row.profile_level is not None,
            agent_read_only=read_only,
            tiers_by_team=tiers,
        ),
        agent_status=row.agent_status,
        takeover_id=row.takeover_id,
        key_revoked_at=row.key_revoked_at,
        key_expires_at=row.key_expires_at,
        has_side_effects=row.side_effects is not False,
        previous_status=row.previous_status,
    )


def _registration(row: Any) -> Registration:
    if row.type_id is None:
        return Registration()
    return Registration(
        facts=ActionTypeFacts(
            reversible=row.reversible,
            domains=frozenset(map(Domain, row.domains)),
            cost_usd=None if row.cost_usd is None else Decimal(row.cost_usd),
            floor=None if row.floor is None else Level(row.floor),
            side_effects=row.side_effects,
        ),
        schema=row.arguments_schema and json.loads(row.arguments_schema),
        team_id=row.type_team_id,
        soft_seconds=row.soft_seconds,
        hard_seconds=row.hard_seconds,
        quorum=row.quorum,
    )
