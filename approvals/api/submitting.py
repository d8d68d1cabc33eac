"""Submissions: from a validated body to what the intake takes, and from its results to answers."""

import hashlib
import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError

from approvals.api.answers import Answer, json_answer, problem_answer, problem_of
from approvals.api.bodies import ConfidenceIn, SubmissionIn
from approvals.models import ApprovalRequest
from approvals.representation import load_requests, represent_request, without_notice
from approvals.services.intake import Submitted, submit_requests
from approvals.services.intake_sql import Item
from approvals.submission import Submission
from autonomy.policy.facts import Facts, exact_decimal
from autonomy.vocabulary import Domain, Level, Recommendation
from hitlconsole.lib.canonical import CanonicalError, canonical_bytes
from hitlconsole.lib.problems import FieldError, Problem

logger = logging.getLogger(__name__)


def submission_of(body: SubmissionIn, idempotency_key: str | None) -> Submission:
    """The digest covers what was sent, without defaults and without the key itself."""
    sent = body.model_dump(mode="json", exclude_unset=True, exclude={"idempotency_key"})
    return Submission(
        action_type=body.action.type,
        arguments=body.action.arguments,
        description=body.description,
        facts=_facts(body),
        risk=sent.get("risk") or {},
        body_sha256=body_digest(sent),
        confidence=sent.get("confidence"),
        context=sent.get("context"),
        metadata=body.metadata,
        resume_state=body.resume_state,
        on_behalf_of=body.on_behalf_of or "",
        callback_url=body.callback_url or "",
        traceparent=body.traceparent or "",
        previous=body.previous,
        idempotency_key=idempotency_key,
    )


def body_digest(sent: dict[str, Any]) -> bytes:
    """SHA-256 of the canonical JSON: spacing and order of keys make no other body."""
    try:
        return hashlib.sha256(canonical_bytes(sent)).digest()
    except CanonicalError as error:
        place = FieldError(tuple(error.loc), error.msg)
        raise Problem("number_out_of_range", error.msg, errors=(place,)) from None


def _facts(body: SubmissionIn) -> Facts:
    risk, confidence = body.risk, body.confidence or ConfidenceIn()
    recommendation = confidence.recommendation
    return Facts(
        reversible=risk.reversible,
        domains=frozenset(map(Domain, risk.domains)),
        cost_usd=None if risk.cost_usd is None else Decimal(risk.cost_usd),
        confidence=None if confidence.score is None else exact_decimal(confidence.score),
        recommendation=None if recommendation is None else Recommendation(recommendation),
        requested_level=None if body.requested_level is None else Level[body.requested_level],
    )


def submit_items(items: Sequence[Item]) -> list[tuple[Submitted, dict[str, Any]] | Problem]:
    """What each became, with the request as it was stored; a repeat's in its present state.

    A failure that nobody foresaw is that of the one submission that causes it. Raises where the
    database does not answer, and where there is only one.
    """
    try:
        return _submit_together(items)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(items) == 1:
            raise
        logger.exception("%d submissions failed together: each is tried alone", len(items))
    return [_submit_alone(item) for item in items]


def _submit_alone(item: Item) -> tuple[Submitted, dict[str, Any]] | Problem:
    try:
        return _submit_together([item])[0]
    except Exception as error:  # noqa: BLE001 - logged there, and told to the caller
        return problem_of(error)


def _submit_together(items: Sequence[Item]) -> list[tuple[Submitted, dict[str, Any]] | Problem]:
    results = submit_requests(items)
    repeats = _load_repeats(results)
    return [
        done if isinstance(done, Problem) else (done, represent_request(_present(done, repeats)))
        for done in results
    ]


def _present(done: Submitted, repeats: dict[UUID, ApprovalRequest]) -> ApprovalRequest:
    return without_notice(done.request) if done.request else repeats[done.request_id]


def _load_repeats(results: Sequence[Submitted | Problem]) -> dict[UUID, ApprovalRequest]:
    submitted = [done for done in results if isinstance(done, Submitted)]
    ids = [done.request_id for done in submitted if done.request is None]
    return load_requests(ids) if ids else {}


def answer_submissions(items: Sequence[Item]) -> list[Answer]:
    return [_answer(result) for result in submit_items(items)]


def _answer(result: tuple[Submitted, dict[str, Any]] | Problem) -> Answer:
    if isinstance(result, Problem):
        return problem_answer(result)
    done, request = result
    headers: tuple[tuple[str, str], ...] = (("Location", request["links"]["self"]),)
    if done.replayed:
        headers += (("Idempotent-Replayed", "true"),)
    return json_answer(request, done.http_status, headers)


def batch_entry(result: tuple[Submitted, dict[str, Any]] | Problem) -> dict[str, Any]:
    if isinstance(result, Problem):
        return {
            "status": result.status,
            "replayed": False,
            "request": None,
            "problem": result.body(),
        }
    done, request = result
    return {
        "status": done.http_status,
        "replayed": done.replayed,
        "request": request,
        "problem": None,
    }
