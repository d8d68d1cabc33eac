"""A request as agents see it: the one JSON form of the API, of conflicts and of callbacks."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, prefetch_related_objects

from approvals.escalation.clock import Silence, Wait, end_of_wait, notice_needed_by
from approvals.models import ApprovalRequest, Decision, Takeover
from approvals.services.notice import evidence_of, notice_of
from approvals.vocabulary import (
    OPEN,
    Execution,
    OnDeadline,
    Resolution,
    Status,
    Verdict,
)
from autonomy.vocabulary import Level

FIXED_NOTES = {
    Resolution.AUTOMATIC: "Approved by the policy; nobody was asked.",
    Resolution.SILENT_CONSENT: "Nobody objected within the time limit.",
    Resolution.EXHAUSTED: "Nobody decided in time: this is not an approval.",
    Resolution.WITHDRAWN: "Withdrawn by the agent.",
    Resolution.TAKEOVER: "A person has taken over.",
}
VERDICTS = {
    Status.APPROVED: "approve",
    Status.REJECTED: "reject",
}
MEANINGS = {
    Silence.CONSENT: OnDeadline.APPROVE,
    Silence.ESCALATE: OnDeadline.ESCALATE,
    Silence.EXPIRE: OnDeadline.EXPIRE,
}
_RELATED = ("evaluation", "closing_decision")
_QUESTIONS = "questions"
_NOTICE = "notice_so_far"


def load_request(request_id: UUID) -> ApprovalRequest | None:
    return ApprovalRequest.objects.select_related(*_RELATED).filter(pk=request_id).first()


def load_requests(request_ids: Iterable[UUID]) -> dict[UUID, ApprovalRequest]:
    found = ApprovalRequest.objects.select_related(*_RELATED).filter(pk__in=list(request_ids))
    return {request.id: request for request in with_questions(list(found))}


def with_questions(requests: list[ApprovalRequest]) -> list[ApprovalRequest]:
    """The same, with what represent_request has to know of those that wait: what was asked, and
    whether notice was given.

    One query each for all of them, none where nobody was asked and none may be consented to.
    """
    asked = Decision.objects.filter(verdict=Verdict.ASK).order_by("at")
    waiting = [request for request in requests if request.status == Status.NEEDS_INFO]
    prefetch_related_objects(waiting, Prefetch("decisions", asked, to_attr=_QUESTIONS))
    consenting = [r for r in requests if on_deadline(r) is OnDeadline.APPROVE]
    evidence = evidence_of(request.id for request in consenting)
    for request in consenting:
        setattr(request, _NOTICE, evidence.get(request.id))
    return requests


def without_notice(request: ApprovalRequest) -> ApprovalRequest:
    """The same, known to be so new that nobody can have been told."""
    setattr(request, _NOTICE, None)
    return request


def may_proceed(request: ApprovalRequest) -> bool:
    return request.status == Status.APPROVED and request.execution == Execution.AVAILABLE


def on_deadline(request: ApprovalRequest) -> OnDeadline | None:
    """What silence will mean; None for what is closed or whose clock is stopped.

    APPROVE holds only if people were told: without notice the request escalates instead.
    """
    if request.status not in OPEN or request.deadline is None:
        return None
    wait = Wait(
        level=Level(request.level),
        status=Status(request.status),
        tier=request.tier,
        last_tier=request.last_tier,
        silent_consent=request.silent_consent,
        quorum=request.quorum,
    )
    return MEANINGS[end_of_wait(wait, notice=True).silence]


def represent_request(request: ApprovalRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "revision": request.revision,
        "status": request.status,
        "proceed": may_proceed(request),
        "level": Level(request.level).name,
        "resolution": request.resolution,
        "action": json.loads(bytes(request.action)),
        "edited": request.proposed_action is not None,
        "reason": request.reason or None,
        "decision": _decision(request),
        "takeover": request.takeover_id,
        "execution": request.execution,
        "approval_expires_at": request.approval_until,
        "trace": request.evaluation.trace,
        "policy_version": request.policy_number,
        "deadline": request.deadline,
        "on_deadline": on_deadline(request),
        "notice": _notice(request),
        "receipt": None,
        "resume_state": request.resume_state,
        "previous": request.previous_id,
        "links": {
            "self": f"/api/v1/requests/{request.id}",
            "console": f"{settings.BASE_URL}/requests/{request.id}/",
        },
        "created_at": request.created_at,
        "closed_at": request.closed_at,
    }


def _notice(request: ApprovalRequest) -> dict[str, Any] | None:
    """Where silence consents: by when people have to be told, and what proves that they were."""
    if request.notice is not None:
        return {"needed_by": None, "given": _without_people(request.notice)}
    since, deadline = request.waiting_since, request.deadline
    if on_deadline(request) is not OnDeadline.APPROVE or since is None or deadline is None:
        return None
    known = hasattr(request, _NOTICE)
    evidence = getattr(request, _NOTICE) if known else notice_of(request)
    given = evidence and _without_people(evidence.to_json())
    return {"needed_by": notice_needed_by(since, deadline), "given": given}


def _without_people(evidence: dict[str, Any]) -> dict[str, Any]:
    """Who was told is no business of an agent's."""
    return {name: evidence[name] for name in ("kind", "transport", "at")}


def represent_takeover(takeover: Takeover) -> dict[str, Any]:
    """What its agent may know of a takeover."""
    return {
        "id": takeover.id,
        "agent": takeover.agent_id,
        "status": takeover.status,
        "source": takeover.source,
        "reason": takeover.reason,
        "request": takeover.request_id,
        "notes": takeover.notes or None,
        "started_at": takeover.started_at,
        "acknowledged_at": takeover.acknowledged_at,
        "released_at": takeover.released_at,
    }


def _decision(request: ApprovalRequest) -> dict[str, Any] | None:
    if request.resolution is None:
        return _question(request)
    decision = request.closing_decision
    if decision is not None:
        return _by_a_person(decision)
    return {
        "verdict": VERDICTS.get(Status(request.status)),
        "reviewer_id": None,
        "notes": FIXED_NOTES[Resolution(request.resolution)],
        "at": request.closed_at,
    }


def _question(request: ApprovalRequest) -> dict[str, Any] | None:
    """What the agent has to answer; nothing else has been said about an open request."""
    if request.status != Status.NEEDS_INFO:
        return None
    known = getattr(request, _QUESTIONS, None)
    if known is None:
        return _by_a_person(request.decisions.filter(verdict=Verdict.ASK).latest("at"))
    return _by_a_person(known[-1])


def _by_a_person(decision: Decision) -> dict[str, Any]:
    return {
        "verdict": decision.verdict,
        "reviewer_id": decision.reviewer_id,
        "notes": decision.notes or None,
        "at": decision.at,
    }
