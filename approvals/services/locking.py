"""The order of locks: the agent, then its requests by id, then profiles, then audit streams.

Rows are locked without their keys: whoever only refers to one (a message that tells of a request)
neither waits for it nor makes others wait. Deciding shares the agent; a takeover and its release
hold it alone. Whoever holds a request's lock therefore holds its agent's, and nobody waits in a
circle.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from approvals.models import ApprovalRequest
from hitlconsole.accounts.models import Agent
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem


@dataclass(frozen=True, slots=True)
class Locked:
    """A request under its locks, and the database's time read after they were had."""

    request: ApprovalRequest
    agent: Agent
    now: datetime


_SHARE = "SELECT id FROM accounts_agent WHERE id = ANY(%s) ORDER BY id FOR SHARE"
_SHARE_FREE = f"{_SHARE} SKIP LOCKED"


def share_agents(agent_ids: Iterable[UUID], *, skip_locked: bool = False) -> set[UUID]:
    """Hold the agents' status still; several transactions may at once. Those that are held.

    With skip_locked: without those that another transaction holds alone.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHARE_FREE if skip_locked else _SHARE, [sorted(set(agent_ids))])
        return {row[0] for row in cursor.fetchall()}


def lock_agent(agent_id: UUID) -> Agent:
    """Hold the agent alone, to change its status."""
    return Agent.objects.select_for_update(no_key=True).get(pk=agent_id)


def lock_request(
    request_id: UUID, *, agent_alone: bool = False, skip_locked: bool = False
) -> Locked | None:
    """The request under its locks, in a transaction.

    Raises not_found. With skip_locked: None where another transaction is at work on it.
    """
    agent_id = agent_of(request_id)
    if agent_alone:
        lock_agent(agent_id)
    elif not share_agents([agent_id], skip_locked=skip_locked):
        return None
    query = ApprovalRequest.objects.select_for_update(
        of=("self",), no_key=True, skip_locked=skip_locked
    )
    request = query.filter(pk=request_id).first()
    if request is None:
        return None
    request.agent = Agent.objects.get(pk=agent_id)
    return Locked(request, request.agent, database_now())


def agent_of(request_id: UUID) -> UUID:
    """A request never changes its agent. Raises not_found."""
    agent_id = (
        ApprovalRequest.objects.filter(pk=request_id).values_list("agent_id", flat=True).first()
    )
    if agent_id is None:
        raise Problem("not_found", "There is no request with this id.")
    return agent_id


def lock_own_request(request_id: UUID, agent_id: UUID) -> Locked:
    """For an agent's call: another agent's request is not found."""
    if agent_of(request_id) != agent_id:
        raise Problem("not_found", "There is no request with this id.")
    locked = lock_request(request_id)
    assert locked is not None  # without skip_locked a found row is locked
    return locked
