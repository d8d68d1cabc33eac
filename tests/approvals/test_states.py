"""The table of transitions, walked whole, and the same table in the database."""

from itertools import product

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from approvals.models import ApprovalRequest
from approvals.states import FIRST, TRANSITIONS, Event, IllegalTransition, status_pairs, transition
from approvals.vocabulary import CLOSED, OPEN, Status
from hitlconsole.lib.clock import database_now
from tests.factories import make_agent, make_team, submit

DOMAIN_TABLE = {
    (Status.PENDING, Event.APPROVE): "approved",
    (Status.PENDING, Event.REJECT): "rejected",
    (Status.PENDING, Event.ASK): "needs_info",
    (Status.PENDING, Event.ESCALATE): "escalated",
    (Status.PENDING, Event.CONSENT): "approved",
    (Status.PENDING, Event.EXPIRE): "expired",
    (Status.PENDING, Event.WITHDRAW): "cancelled",
    (Status.PENDING, Event.TAKE_OVER): "taken_over",
    (Status.ESCALATED, Event.APPROVE): "approved",
    (Status.ESCALATED, Event.REJECT): "rejected",
    (Status.ESCALATED, Event.ASK): "needs_info",
    (Status.ESCALATED, Event.ESCALATE): "escalated",
    (Status.ESCALATED, Event.EXPIRE): "expired",
    (Status.ESCALATED, Event.WITHDRAW): "cancelled",
    (Status.ESCALATED, Event.TAKE_OVER): "taken_over",
    (Status.NEEDS_INFO, Event.ANSWER): "pending",
    (Status.NEEDS_INFO, Event.ANSWER_AFTER_ESCALATION): "escalated",
    (Status.NEEDS_INFO, Event.ESCALATE): "escalated",
    (Status.NEEDS_INFO, Event.WITHDRAW): "cancelled",
    (Status.NEEDS_INFO, Event.TAKE_OVER): "taken_over",
}


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_every_status_meets_every_event(status: Status, event: Event) -> None:
    expected = DOMAIN_TABLE.get((status, event))
    if expected is None:
        with pytest.raises(IllegalTransition):
            transition(status, event)
    else:
        assert transition(status, event).value == expected


def test_nothing_leaves_a_closed_status_and_every_request_begins_somewhere() -> None:
    assert {status for status, _ in TRANSITIONS} == set(OPEN)
    assert {s.value for s in FIRST.values()} == {"approved", "pending", "taken_over"}


@pytest.mark.django_db
def test_the_database_carries_the_same_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT before, after FROM status_transition")
        assert set(cursor.fetchall()) == {(b.value, a.value) for b, a in status_pairs()}


def _force(request: ApprovalRequest, status: str) -> None:
    closed = status in [s.value for s in CLOSED]
    with transaction.atomic():
        ApprovalRequest.objects.filter(pk=request.pk).update(
            status=status,
            resolution="human" if closed else None,
            closed_at=database_now() if closed else None,
            execution="available" if status == "approved" else None,
        )


# How an open status is reached by steps that the guard admits.
PATHS: dict[Status, list[str]] = {
    Status.PENDING: [],
    Status.NEEDS_INFO: ["needs_info"],
    Status.ESCALATED: ["escalated"],
    Status.APPROVED: ["approved"],
    Status.REJECTED: ["rejected"],
    Status.CANCELLED: ["cancelled"],
    Status.EXPIRED: ["escalated", "expired"],
    Status.TAKEN_OVER: ["taken_over"],
}


@pytest.mark.django_db
@pytest.mark.parametrize("before", list(Status))
def test_the_guard_refuses_exactly_what_the_table_lacks(before: Status) -> None:
    _, key = make_agent(make_team())
    for after in Status:
        request = submit(key)
        for step in PATHS[before]:
            _force(request, step)
        if before == after:
            continue
        if (before, after) in status_pairs():
            _force(request, after.value)
            assert ApprovalRequest.objects.get(pk=request.pk).status == after.value
        else:
            with pytest.raises(DatabaseError):
                _force(request, after.value)
            assert ApprovalRequest.objects.get(pk=request.pk).status == before.value


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals_approvalrequest SET description = 'another'",
        "UPDATE approvals_approvalrequest SET level = 0",
        "UPDATE approvals_approvalrequest SET closed_at = NULL, resolution = NULL,"
        " status = 'pending', execution = NULL",
        "UPDATE approvals_approvalrequest SET revision = revision - 1",
        "UPDATE approvals_approvalrequest SET agent_id = gen_random_uuid()",
        "DELETE FROM approvals_approvalrequest",
        "TRUNCATE approvals_approvalrequest CASCADE",
        "DELETE FROM status_transition",
    ],
)
def test_a_closed_request_is_frozen(statement: str) -> None:
    _, key = make_agent(make_team())
    _force(submit(key), "approved")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["needs_info", "escalated", "rejected", "cancelled", "expired"])
def test_a_request_cannot_begin_in_the_middle(status: str) -> None:
    _, key = make_agent(make_team())
    request = submit(key)
    copied = {f.attname: getattr(request, f.attname) for f in request._meta.fields}
    copied |= {"id": None, "status": status}
    if status not in [s.value for s in OPEN]:
        copied |= {"closed_at": database_now(), "resolution": "human"}
    copied.pop("id")
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        ApprovalRequest(**copied).save(force_insert=True)
    assert isinstance(caught.value.__cause__, psycopg.errors.CheckViolation)
    assert f"cannot begin as {status}" in str(caught.value)
