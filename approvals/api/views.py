"""The calls, declared with ninja. Each parses, calls one service or selector, and answers.

POST /requests and GET /requests/{id} are also served by the lean door (lean.py), with the same
functions and to the same contract.
"""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router

from approvals.api import bodies, shapes
from approvals.api.answers import Answer, json_answer
from approvals.api.looking import look_at
from approvals.api.queries import closed_query
from approvals.api.reading import idempotency_key, validated
from approvals.api.security import BearerKey, agent_of, caller_of
from approvals.api.submitting import (
    answer_submissions,
    batch_entry,
    body_digest,
    submission_of,
    submit_items,
)
from approvals.api.waiting import Patience, look_until_changed
from approvals.models import Message
from approvals.representation import load_request, represent_request
from approvals.selectors import Position, agent_requests, describe_agent
from approvals.services.decide import decide_request
from approvals.services.exchange import post_message, withdraw_request
from approvals.services.executions import claim_execution, report_outcome
from approvals.services.intake import evaluate_only
from approvals.services.intake_sql import Item
from approvals.vocabulary import Channel, Verdict
from hitlconsole.accounts.keys import Caller
from hitlconsole.accounts.models import Scope, User
from hitlconsole.lib.problems import Problem, invalid_field
from hitlconsole.lib.units import unit_of_work

router = Router()
router.add_decorator(closed_query)
SUBMIT, EXECUTE, DECIDE = map(BearerKey, (Scope.SUBMIT, Scope.EXECUTE, Scope.DECIDE))

# Checked by reading.idempotency_key, at every door alike; the words here are for the document.
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 printable ASCII characters, unique for the agent. A repeat with the"
        " same body gets the first status with the request's present state and the header"
        " Idempotent-Replayed: true; with another body it is refused.",
    ),
]


@router.post(
    "/requests",
    auth=SUBMIT,
    response={201: shapes.RequestOut, 202: shapes.RequestOut},
    operation_id="submitRequest",
    summary="Ask before acting",
)
def submit(
    request: HttpRequest, submission: bodies.SubmissionIn, key: IdempotencyKey = None
) -> HttpResponse:
    """201 with the final answer when nobody needs to be asked, 202 when people do.

    Read `proceed`: act only if it is true. On 202 wait with `GET /requests/{id}?wait=60`. At
    level HUMAN_TAKEOVER the answer names the takeover, and the agent is read-only from then on.
    Scope: submit.
    """
    item = Item(caller_of(request), submission_of(submission, idempotency_key(key)))
    (answer,) = answer_submissions([item])
    return answer.to_response()


@router.get(
    "/requests/{uuid:request_id}",
    auth=SUBMIT,
    response=shapes.RequestOut,
    operation_id="getRequest",
    summary="Look at a request, or wait for a change of it",
)
async def get_request(
    request: HttpRequest, request_id: UUID, query: Query[bodies.WaitQuery]
) -> HttpResponse:
    """With `wait` it answers as soon as the revision is above `revision` or the request closes,
    otherwise at the end of the wait. Waiting costs neither side more than a connection.
    Scope: submit.
    """
    agent_id = agent_of(request)

    # A thread of its own each time: the one that Django keeps for a request would be held for
    # the whole wait.
    look = sync_to_async(unit_of_work(look_at), thread_sensitive=False)
    gone: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    patience = Patience(query.wait, query.revision, gone)
    seen = await look_until_changed(lambda: look(agent_id, request_id), request_id, patience)
    return seen.answer.to_response()


@router.get(
    "/requests",
    auth=SUBMIT,
    response=shapes.RequestPage,
    operation_id="listRequests",
    summary="The agent's own requests, newest first",
)
def list_requests(request: HttpRequest, query: Query[bodies.ListQuery]) -> HttpResponse:
    """In pages: pass `next_cursor` of one page as `cursor` to get the next. Scope: submit."""
    found, after = agent_requests(
        agent_of(request),
        status=query.status,
        action_type=query.action_type,
        after=None if query.cursor is None else Position.from_text(query.cursor),
        limit=query.limit,
    )
    body = {
        "items": [represent_request(one) for one in found],
        "next_cursor": None if after is None else after.to_text(),
    }
    return json_answer(body).to_response()


@router.post(
    "/requests/batch",
    auth=SUBMIT,
    response=shapes.BatchOut,
    operation_id="submitBatch",
    summary="Ask up to 100 questions at once",
)
def submit_batch(request: HttpRequest, batch: bodies.BatchIn) -> HttpResponse:
    """For parallel tool calls. Each question has its own answer, in the same order: one that is
    refused does not hold back the others. Each takes its own `idempotency_key`. Scope: submit.
    """
    items = [_batch_item(caller_of(request), value) for value in batch.requests]
    results = iter(submit_items([item for item in items if isinstance(item, Item)]))
    entries = [batch_entry(item if isinstance(item, Problem) else next(results)) for item in items]
    return json_answer({"items": entries}).to_response()


def _batch_item(caller: Caller, value: Any) -> Item | Problem:
    try:
        body = validated(bodies.BatchItemIn, value)
        return Item(caller, submission_of(body, body.idempotency_key))
    except Problem as problem:
        return problem


@router.post(
    "/requests/{uuid:request_id}/cancel",
    auth=SUBMIT,
    response=shapes.RequestOut,
    operation_id="cancelRequest",
    summary="Withdraw a question",
)
def cancel(
    request: HttpRequest, request_id: UUID, body: bodies.CancelIn | None = None
) -> HttpResponse:
    """The body may be left out. Withdrawing again changes nothing. Scope: submit."""
    reason = body.reason if body else ""
    withdraw_request(agent_id=agent_of(request), request_id=request_id, reason=reason)
    return _present_state(request_id)


@router.post(
    "/requests/{uuid:request_id}/messages",
    auth=SUBMIT,
    response={201: shapes.MessageOut},
    operation_id="postMessage",
    summary="Answer a reviewer's question, or add evidence",
)
def message(
    request: HttpRequest, request_id: UUID, body: bodies.MessageIn, key: IdempotencyKey = None
) -> HttpResponse:
    """While the request is `needs_info` it is the answer: the request goes back to where it was,
    with a fresh time limit. Otherwise it is evidence. Scope: submit.
    """
    stored, replayed = post_message(
        agent_id=agent_of(request),
        request_id=request_id,
        text=body.text,
        data=body.data,
        idempotency_key=idempotency_key(key),
        body_sha256=body_digest(body.model_dump(mode="json", exclude_unset=True)),
    )
    headers = (("Idempotent-Replayed", "true"),) if replayed else ()
    return json_answer(_represent_message(stored), 201, headers).to_response()


def _represent_message(stored: Message) -> dict[str, Any]:
    return {
        "id": stored.id,
        "kind": stored.kind,
        "text": stored.text,
        "data": stored.data,
        "at": stored.at,
        "request": _represent(stored.request_id),
    }


@router.post(
    "/requests/{uuid:request_id}/execution",
    auth=EXECUTE,
    response=shapes.RequestOut,
    operation_id="claimExecution",
    summary="Claim the one execution of an approval",
)
def execution(request: HttpRequest, request_id: UUID, body: bodies.ExecutionIn) -> HttpResponse:
    """Call it before acting, and run the `action` of the answer, which a person may have edited.
    Only one claim succeeds; the same `claim_id` again gives the same answer. `proceed` is false
    from then on, because the approval is spent. Scope: execute.
    """
    claim_execution(agent_id=agent_of(request), request_id=request_id, claim_id=body.claim_id)
    return _present_state(request_id)


@router.post(
    "/requests/{uuid:request_id}/outcome",
    auth=EXECUTE,
    response=shapes.OutcomeOut,
    operation_id="reportOutcome",
    summary="Report what became of the execution",
)
def outcome(request: HttpRequest, request_id: UUID, body: bodies.OutcomeIn) -> HttpResponse:
    """Repeated reports change nothing; a contrary one is refused. Scope: execute."""
    kept, stored = report_outcome(
        agent_id=agent_of(request),
        request_id=request_id,
        result=body.result,
        details=body.details,
    )
    answer = {"result": kept.result, "reported_at": kept.reported_at, "stored": stored}
    return json_answer(answer).to_response()


@router.post(
    "/evaluate",
    auth=SUBMIT,
    response=shapes.EvaluationOut,
    operation_id="evaluate",
    summary="Ask the policy without asking people",
)
def evaluate(request: HttpRequest, submission: bodies.SubmissionIn) -> HttpResponse:
    """A dry run: the level and the reasons for it. Nothing is stored. Scope: submit."""
    evaluated = evaluate_only(caller_of(request), submission_of(submission, None))
    answer = {
        "level": evaluated.level.name,
        "trace": evaluated.trace,
        "policy_version": evaluated.policy.number,
    }
    return json_answer(answer).to_response()


@router.get(
    "/agents/me",
    auth=SUBMIT,
    response=shapes.AgentOut,
    operation_id="getAgent",
    summary="What the console knows of the calling agent",
)
def me(request: HttpRequest) -> HttpResponse:
    """Its status, how far it is trusted with which action types, and its open takeover.
    Scope: submit.
    """
    return json_answer(describe_agent(agent_of(request))).to_response()


@router.post(
    "/requests/{uuid:request_id}/decision",
    auth=DECIDE,
    response=shapes.RequestOut,
    operation_id="decideRequest",
    summary="Decide in the name of a person",
)
def decision(request: HttpRequest, request_id: UUID, body: bodies.DecisionIn) -> HttpResponse:
    """For outside systems in which people decide. The person is mapped by e-mail address and
    checked like any reviewer in the console. An agent's key can never decide. Scope: decide.
    """
    decide_request(
        request_id=request_id,
        reviewer=_reviewer(body.reviewer),
        verdict=Verdict(body.verdict),
        revision=body.revision,
        channel=Channel.API,
        notes=body.notes,
        edited_action=body.edited_action.model_dump() if body.edited_action else None,
        tier=body.tier,
        acknowledged=body.acknowledged,
    )
    return _present_state(request_id)


def _reviewer(email: str) -> User:
    person = User.objects.filter(email__iexact=email, is_active=True).first()
    if person is None:
        raise invalid_field("reviewer", "must be the e-mail address of a person who has access")
    return person


def _represent(request_id: UUID) -> dict[str, Any]:
    found = load_request(request_id)
    assert found is not None  # a service has just worked on it, and requests are kept
    return represent_request(found)


def _present_state(request_id: UUID) -> HttpResponse:
    answer: Answer = json_answer(_represent(request_id))
    return answer.to_response()
