"""Submissions: one transaction for a group, whose members fail one by one.

The order inside: the agents are held still, everything a plan depends on is read, keys out of
use are refused, repeats are answered, the pure plan is made for the rest, and one writer stores
all that came of it. A submission that starts a takeover is done in a transaction of its own,
which holds its agent alone.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from approvals.live.publish import tell_changed
from approvals.models import OPEN_VALUES, ApprovalRequest
from approvals.planning import Plan, action_of, evaluate_with, plan_submission
from approvals.schemas import argument_errors
from approvals.services.intake_sql import Item, Surroundings, find_repeats, read_surroundings
from approvals.services.intake_writer import Planned, write_plans
from approvals.services.locking import lock_agent, share_agents
from approvals.states import Event
from approvals.submission import Submission
from autonomy.policy.evaluation import Evaluated
from hitlconsole.accounts.keys import Caller, refuse_unusable
from hitlconsole.accounts.models import Agent
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.problems import Problem, invalid_field

logger = logging.getLogger(__name__)

WAITS, CLOSED_AT_ONCE = 202, 201


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a submission became; a repeat has the HTTP status of the first answer.

    `request` is a new one as it was stored; a repeat's has to be read in its present state.
    """

    request_id: UUID
    http_status: int
    replayed: bool
    request: ApprovalRequest | None = field(default=None, compare=False, repr=False)


def submit_requests(items: Sequence[Item]) -> list[Submitted | Problem]:
    """An answer for each item, in order, after the commit."""
    answers: list[Submitted | Problem | None] = [None] * len(items)
    places = list(range(len(items)))
    _submit_group(items, places, answers, agent_alone=False)
    for place in [place for place in places if answers[place] is None]:
        _submit_alone(items, place, answers)
    # Left over is only what lost the race for an idempotency key: its answer is there now.
    for place in [place for place in places if answers[place] is None]:
        answers[place] = _repeat_of(items[place])
    return [answer for answer in answers if answer is not None]


def _submit_alone(
    items: Sequence[Item], place: int, answers: list[Submitted | Problem | None]
) -> None:
    """The others are stored by now: a failure here is this one's alone."""
    try:
        _submit_group(items, [place], answers, agent_alone=True)
    except Problem as problem:
        answers[place] = problem
    except Exception:
        logger.exception("a submission of agent %s failed", items[place].agent_id)
        answers[place] = Problem("internal_error")


@transaction.atomic
def _submit_group(
    items: Sequence[Item],
    places: list[int],
    answers: list[Submitted | Problem | None],
    *,
    agent_alone: bool,
) -> None:
    """Fill in the answers; what is left None takes a step of its own (see submit_requests)."""
    agents = {items[place].agent_id for place in places}
    if agent_alone:
        lock_agent(agents.pop())
    else:
        share_agents(agents)
    found = read_surroundings([items[place] for place in places])
    surroundings = dict(zip(places, found, strict=True))
    usable = [place for place in places if not _refuse_caller(place, surroundings, answers)]
    plans: list[Planned] = []
    for place in _answer_repeats(items, usable, answers):
        outcome = _plan(items[place], surroundings[place])
        if isinstance(outcome, Problem):
            answers[place] = outcome
        elif agent_alone or outcome.event is not Event.SUBMIT_TAKEOVER:
            plans.append(Planned(place, uuid7(), items[place].caller, outcome))
    written = write_plans(plans)
    tell_changed(request for _, request in written if request.status in OPEN_VALUES)
    for planned, request in written:
        status = _http_status(planned.plan)
        answers[planned.place] = Submitted(request.id, status, False, request)


def _http_status(plan: Plan) -> int:
    return CLOSED_AT_ONCE if plan.event is Event.SUBMIT_AUTOMATIC else WAITS


def _answer_repeats(
    items: Sequence[Item], places: list[int], answers: list[Submitted | Problem | None]
) -> list[int]:
    """Answer what was asked before under the same key; the places that are left.

    Also within the group: the later of two equal keys is left for the next step.
    """
    repeats = find_repeats([(items[p].agent_id, items[p].submission) for p in places])
    seen: set[tuple[UUID, str]] = set()
    todo = []
    for place, repeat in zip(places, repeats, strict=True):
        key = items[place].submission.idempotency_key
        if repeat is not None:
            answers[place] = _as_answer(items[place].submission, *repeat)
        elif key is None or (items[place].agent_id, key) not in seen:
            todo.append(place)
            if key is not None:
                seen.add((items[place].agent_id, key))
    return todo


def _repeat_of(item: Item) -> Submitted | Problem:
    (repeat,) = find_repeats([(item.agent_id, item.submission)])
    if repeat is None:
        return Problem("unavailable", "The submission met another one; send it again.")
    return _as_answer(item.submission, *repeat)


def _as_answer(
    submission: Submission, request_id: UUID, body_sha256: bytes, automatic: bool
) -> Submitted | Problem:
    if body_sha256 != submission.body_sha256:
        detail = (
            "This idempotency key was used for another body: take a new key for a new question."
        )
        return Problem("idempotency_conflict", detail, extra={"request": str(request_id)})
    return Submitted(request_id, CLOSED_AT_ONCE if automatic else WAITS, True)


def _refuse_caller(
    place: int,
    surroundings: dict[int, Surroundings],
    answers: list[Submitted | Problem | None],
) -> bool:
    """Answer where the key or its agent is out of use: that hides earlier answers, too."""
    try:
        _check_caller(surroundings[place])
    except Problem as problem:
        answers[place] = problem
        return True
    return False


def _check_caller(around: Surroundings) -> None:
    refuse_unusable(around.key_revoked_at, around.key_expires_at, around.situation.now)
    if around.agent_status == Agent.Status.DISABLED:
        raise Problem("agent_disabled")


def _plan(item: Item, around: Surroundings) -> Plan | Problem:
    try:
        _refuse(item, around)
        plan = plan_submission(item.submission, around.situation)
    except Problem as problem:
        return problem
    if plan.event is Event.SUBMIT_TAKEOVER and around.situation.agent_read_only:
        # It is taken over already: a second takeover would say nothing new.
        return _read_only(around)
    return plan


def _read_only(around: Surroundings) -> Problem:
    return Problem(
        "agent_read_only",
        "A person has taken over: only actions registered without side effects pass.",
        extra={"takeover": around.takeover_id and str(around.takeover_id)},
    )


def _refuse(item: Item, around: Surroundings) -> None:
    """Raises what speaks against the submission, before any level is decided."""
    if around.situation.agent_read_only and around.has_side_effects:
        raise _read_only(around)
    refuse_arguments(item.submission.arguments, around.situation.registration.schema)
    if item.submission.previous is not None and around.previous_status != "rejected":
        raise _wrong_previous(around.previous_status)


def refuse_arguments(arguments: dict, schema: dict | None) -> None:
    """Raises invalid_request where they don't fit the schema of the registered action type."""
    errors = argument_errors(arguments, schema)
    if errors:
        raise Problem(
            "invalid_request",
            "The arguments do not fit the schema of the registered action type.",
            errors=errors,
        )


def _wrong_previous(status: str | None) -> Problem:
    found = "no request of this agent has that id" if status is None else f"that one is {status}"
    return invalid_field("previous", f"must be the id of an own rejected request; {found}")


def evaluate_only(caller: Caller, submission: Submission) -> Evaluated:
    """What the policy says at this moment; nothing is stored. Raises what a submission would."""
    item = Item(caller, submission)
    (around,) = read_surroundings([item])
    _check_caller(around)
    _refuse(item, around)
    return evaluate_with(submission.facts, action_of(submission), around.situation)
