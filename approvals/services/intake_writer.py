"""The one writer of new requests: N plans in one statement, their events in a second.

A plan that meets another one under the same idempotency key is left out, its neighbours are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.escalation.clock import next_reminder
from approvals.models import ApprovalRequest, Notification
from approvals.planning import Plan
from approvals.services.takeovers import TakeoverCause, begin_takeover
from approvals.states import Event as Step
from approvals.vocabulary import Channel, Status
from audit.events import Actor, ActorKind, Event, EventType, request_stream
from audit.services import record
from autonomy.models import Evaluation
from autonomy.policy.evaluation import plain_value
from autonomy.vocabulary import Level
from hitlconsole.accounts.keys import Caller
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.jsonout import dumps
from hitlconsole.lib.prepared import prepared_cursor

# column -> its type in the parameter; bytea travels as hexadecimal text.
REQUEST_COLUMNS = {
    "id": "uuid",
    "agent_id": "uuid",
    "team_id": "uuid",
    "revision": "int",
    "status": "text",
    "level": "smallint",
    "resolution": "text",
    "reason": "text",
    "action_type": "text",
    "action": "bytea",
    "action_sha256": "bytea",
    "description": "text",
    "cost_usd": "numeric",
    "confidence_score": "float8",
    "risk": "jsonb",
    "confidence": "jsonb",
    "context": "jsonb",
    "metadata": "jsonb",
    "resume_state": "jsonb",
    "on_behalf_of": "text",
    "callback_url": "text",
    "traceparent": "text",
    "previous_id": "uuid",
    "evaluation_id": "uuid",
    "policy_number": "int",
    "idempotency_key": "text",
    "body_sha256": "bytea",
    "tier": "smallint",
    "last_tier": "smallint",
    "quorum": "smallint",
    "silent_consent": "boolean",
    "soft_seconds": "int",
    "hard_seconds": "int",
    "waiting_since": "timestamptz",
    "deadline": "timestamptz",
    "reminder_at": "timestamptz",
    "extended_seconds": "int",
    "escalated_before_question": "boolean",
    "approval_ttl_seconds": "int",
    "execution": "text",
    "approval_until": "timestamptz",
    "takeover_id": "uuid",
    "created_at": "timestamptz",
    "closed_at": "timestamptz",
}
EXTRA_COLUMNS = {
    "inputs": "jsonb",
    "trace": "jsonb",
    "notification_id": "uuid",
    "notification_kind": "text",
    "profile_id": "uuid",
}


def _statement() -> str:
    columns = REQUEST_COLUMNS | EXTRA_COLUMNS
    shape = ", ".join(
        f"{name} {'text' if kind == 'bytea' else kind}" for name, kind in columns.items()
    )
    values = ", ".join(
        f"decode({name}, 'hex')" if kind == "bytea" else name
        for name, kind in REQUEST_COLUMNS.items()
    )
    return f"""
    WITH plan AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS plan ({shape})
    ), request AS (
        INSERT INTO approvals_approvalrequest ({", ".join(REQUEST_COLUMNS)})
        SELECT {values} FROM plan ORDER BY agent_id, idempotency_key NULLS FIRST, id
        ON CONFLICT (agent_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id
    ), written AS MATERIALIZED (
        SELECT plan.* FROM plan JOIN request USING (id)
    ), evaluation AS (
        INSERT INTO autonomy_evaluation
            (id, request_id, agent_id, action_type, policy_id, inputs, level, trace, created_at)
        SELECT evaluation_id, id, agent_id, action_type, policy_number, inputs, level, trace,
               created_at
        FROM written
    ), notification AS (
        INSERT INTO approvals_notification
            (id, kind, team_id, request_id, tier, status, attempts, next_attempt_at, last_error,
             created_at)
        SELECT notification_id, notification_kind, team_id, id, 0, 'queued', 0, created_at, '',
               created_at
        FROM written WHERE notification_id IS NOT NULL
    ), profile AS (
        INSERT INTO autonomy_autonomyprofile (id, agent_id, action_type, level, streak, created_at)
        SELECT profile_id, agent_id, action_type, 2, 0, created_at
        FROM written WHERE profile_id IS NOT NULL ORDER BY agent_id, action_type
        ON CONFLICT (agent_id, action_type) DO NOTHING
    )
    SELECT id FROM request
    """  # noqa: S608 - constants of this module


_WRITE = _statement()


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with its future id, and its place in the group."""

    place: int
    request_id: UUID
    caller: Caller
    plan: Plan

    @property
    def starts_takeover(self) -> bool:
        return self.plan.event is Step.SUBMIT_TAKEOVER


def write_plans(plans: Sequence[Planned]) -> list[tuple[Planned, ApprovalRequest]]:
    """Store what the plans say, with events and messages; those that were stored, as they were."""
    if not plans:
        return []
    takeovers = {planned.request_id: uuid7() for planned in plans if planned.starts_takeover}
    requests = [_request(planned, takeovers.get(planned.request_id)) for planned in plans]
    rows = [_row(*pair) for pair in zip(plans, requests, strict=True)]
    with prepared_cursor() as cursor:
        cursor.execute(_WRITE, (dumps(rows).decode(),))
        stored = {row[0] for row in cursor.fetchall()}
    pairs = zip(plans, requests, strict=True)
    written = [(planned, request) for planned, request in pairs if request.id in stored]
    events = [event for planned, _ in written for event in _events(planned)]
    for planned, request in written:
        if planned.starts_takeover:
            events += begin_takeover(_cause(planned, takeovers[request.id]))
    if written:
        record(events, at=written[0][0].plan.situation.now)
    return written


def _request(planned: Planned, takeover_id: UUID | None) -> ApprovalRequest:
    plan, submission = planned.plan, planned.plan.submission
    situation, document = plan.situation, plan.evaluated.policy.document
    now = situation.now
    return ApprovalRequest(
        id=planned.request_id,
        agent_id=situation.agent_id,
        team_id=plan.terms.team_id,
        status=plan.status.value,
        level=int(plan.level),
        resolution=plan.resolution and plan.resolution.value,
        action_type=submission.action_type,
        action=submission.action,
        action_sha256=submission.action_sha256,
        description=submission.description,
        cost_usd=plan.evaluated.effective.cost_usd,
        confidence_score=_score(plan),
        risk=submission.risk,
        confidence=submission.confidence,
        context=submission.context,
        metadata=submission.metadata,
        resume_state=submission.resume_state,
        on_behalf_of=submission.on_behalf_of,
        callback_url=submission.callback_url,
        traceparent=submission.traceparent,
        previous_id=submission.previous,
        evaluation=_evaluation(planned),
        policy_number=plan.evaluated.policy.number,
        idempotency_key=submission.idempotency_key,
        body_sha256=submission.body_sha256,
        last_tier=plan.terms.tiers.last_tier,
        quorum=plan.terms.quorum,
        silent_consent=document.silent_consent,
        soft_seconds=plan.terms.soft_seconds,
        hard_seconds=plan.terms.hard_seconds,
        waiting_since=now if plan.deadline else None,
        deadline=plan.deadline,
        reminder_at=plan.deadline and next_reminder(now, plan.deadline, after=now),
        approval_ttl_seconds=document.approval_ttl_seconds,
        execution=plan.execution and plan.execution.value,
        approval_until=plan.approval_until if plan.status is Status.APPROVED else None,
        takeover_id=takeover_id,
        created_at=now,
        closed_at=None if plan.resolution is None else now,
    )


def _evaluation(planned: Planned) -> Evaluation:
    evaluated = planned.plan.evaluated
    return Evaluation(inputs=evaluated.inputs, trace=evaluated.trace)


def _row(planned: Planned, request: ApprovalRequest) -> dict[str, Any]:
    news = _notification_kind(planned.plan)
    return {name: _sent(getattr(request, name)) for name in REQUEST_COLUMNS} | {
        "inputs": request.evaluation.inputs,
        "trace": request.evaluation.trace,
        "notification_id": uuid7() if news else None,
        "notification_kind": news,
        "profile_id": None if planned.plan.situation.profile_exists else uuid7(),
    }


def _sent(value: Any) -> Any:
    """A column's value in the parameter. Times keep their microseconds: deadlines are compared."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else value


def _score(plan: Plan) -> float | None:
    confidence = plan.submission.facts.confidence
    return None if confidence is None else float(confidence)


def _notification_kind(plan: Plan) -> Notification.Kind | None:
    if plan.level == Level.NOTIFY_ONLY:
        return Notification.Kind.NOTIFY
    return Notification.Kind.WAITING if plan.event is Step.SUBMIT_WAITING else None


def _cause(planned: Planned, takeover_id: UUID) -> TakeoverCause:
    plan = planned.plan
    reasons = [c.reason for c in plan.evaluated.decision.trace if c.binding]
    return TakeoverCause(
        takeover_id=takeover_id,
        agent_id=plan.situation.agent_id,
        team_id=plan.terms.team_id,
        request_id=planned.request_id,
        acknowledge_seconds=plan.evaluated.policy.document.takeover_ack_seconds,
        reason="; ".join(reasons),
        now=plan.situation.now,
    )


def _events(planned: Planned) -> list[Event]:
    """`requested`, and the closing event of what is closed at once."""
    requested = _event(planned, EventType.REQUESTED)
    closing = {
        Step.SUBMIT_AUTOMATIC: EventType.APPROVED,
        Step.SUBMIT_TAKEOVER: EventType.TAKEN_OVER,
    }.get(planned.plan.event)
    return [requested] if closing is None else [requested, _closing(planned, closing)]


def _closing(planned: Planned, kind: EventType) -> Event:
    return _event(planned, kind, reviewer_decision=planned.plan.status, latency_ms=0)


def _event(planned: Planned, kind: EventType, **closing: Any) -> Event:
    plan, submission = planned.plan, planned.plan.submission
    requested = kind is EventType.REQUESTED
    return Event(
        type=kind,
        stream=request_stream(planned.request_id),
        actor=Actor(ActorKind.AGENT, plan.situation.agent_id)
        if requested
        else Actor(ActorKind.SYSTEM),
        request_id=planned.request_id,
        agent_id=plan.situation.agent_id,
        action_type=submission.action_type,
        level=plan.level.name,
        confidence_score=_score(plan),
        status_after=plan.status,
        channel=Channel.API if requested else None,
        resolution=None if requested else plan.resolution,
        policy_version=plan.evaluated.policy.number,
        payload=_requested_payload(planned) if requested else {},
        personal=_requested_personal(planned) if requested else {},
        **closing,
    )


def _requested_payload(planned: Planned) -> dict[str, Any]:
    plan, effective = planned.plan, planned.plan.evaluated.effective
    return {
        "key_id": str(planned.caller.key_id),
        "binding": list(plan.evaluated.decision.binding),
        "reversible": effective.reversible,
        "domains": sorted(effective.domains),
        "cost_usd": plain_value(effective.cost_usd),
        "side_effects": effective.side_effects,
        "quorum": plan.terms.quorum,
        "previous": plan.submission.previous and str(plan.submission.previous),
    }


def _requested_personal(planned: Planned) -> dict[str, Any]:
    submission = planned.plan.submission
    personal: dict[str, Any] = {
        "description": submission.description,
        "action_sha256": submission.action_sha256.hex(),
    }
    if submission.on_behalf_of:
        personal["on_behalf_of"] = submission.on_behalf_of
    return personal
