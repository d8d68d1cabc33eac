"""One look at an agent's own request; past its deadline, the due step is done first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.api.answers import json_answer
from approvals.api.callers import identify, own_agent
from approvals.api.waiting import Look
from approvals.models import ApprovalRequest
from approvals.representation import represent_request
from approvals.selectors import agent_request
from approvals.services.deadlines import run_due_step
from approvals.vocabulary import Channel, Execution
from hitlconsole.accounts.models import Scope


def look_with_key(secret: str, request_id: UUID) -> Look:
    """Checks the key each time, so that a revoked one stops reading even while it waits."""
    return look_at(own_agent(identify(secret), Scope.SUBMIT), request_id)


def look_at(agent_id: UUID, request_id: UUID) -> Look:
    """Raises not_found."""
    request = agent_request(agent_id, request_id)
    due_in = _due_in(request)
    if due_in is not None and due_in <= 0:
        # Read again whoever has done it: another transaction may have, while this one waited.
        run_due_step(request_id, channel=Channel.POLL)
        request = agent_request(agent_id, request_id)
        due_in = _due_in(request)
    closed = request.closed_at is not None
    return Look(json_answer(represent_request(request)), request.revision, closed, due_in)


def _due_in(request: Any) -> float | None:
    moment = _due_at(request)
    # `read_at` is the database's time: no other clock decides whether something is due.
    return None if moment is None else (moment - request.read_at).total_seconds()


def _due_at(request: ApprovalRequest) -> datetime | None:
    if request.closed_at is None:
        return min(filter(None, (request.deadline, request.held_until)), default=None)
    return request.approval_until if request.execution == Execution.AVAILABLE else None
