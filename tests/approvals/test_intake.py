"""Submissions through the service: levels, idempotency, refusals, groups."""

import hashlib
import json

import pytest

from approvals.models import ApprovalRequest, Notification
from approvals.representation import load_request, represent_request
from approvals.services.intake import Submitted, submit_requests
from approvals.services.intake_sql import Item
from audit.models import AuditEvent
from autonomy.models import AutonomyProfile, Evaluation
from autonomy.services import move_profile
from autonomy.vocabulary import Level
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.services import person, revoke_key
from hitlconsole.lib.jsonout import dumps
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, trail
from tests.factories import (
    AUTO,
    HARD,
    SOFT,
    TAKEOVER,
    ask,
    make_action_type,
    make_admin,
    make_agent,
    make_reviewer,
    make_submission,
    make_team,
    submit,
)

pytestmark = pytest.mark.django_db


def trust(agent, level: Level) -> None:
    admin = make_admin()
    move_profile(
        agent=agent, action_type="refund.create", level=level, reason="test", by=person(admin)
    )


def test_waiting_requests_have_a_clock_a_trace_and_a_message_to_people(key) -> None:
    request = submit(key, facts=HARD)
    assert (request.status, request.level, request.policy_number) == ("pending", 3, 1)
    assert (request.deadline - request.created_at).total_seconds() == 86_400
    assert request.waiting_since == request.created_at
    binding = [c["source"] for c in request.evaluation.trace if c["binding"]]
    assert binding == ["matrix"]
    assert Notification.objects.get().kind == "request_waiting"
    assert AutonomyProfile.objects.get().level == 2


@pytest.mark.parametrize(
    ("trusted", "delivered"), [(Level.FULL_AUTO, []), (Level.NOTIFY_ONLY, ["request_notify"])]
)
def test_trusted_agents_are_approved_at_once(agent_and_key, trusted, delivered) -> None:
    agent, key = agent_and_key
    trust(agent, trusted)
    answer = ask(key, facts=AUTO)
    request = ApprovalRequest.objects.get(pk=answer.request_id)
    assert (answer.http_status, request.status, request.resolution) == (
        201,
        "approved",
        "automatic",
    )
    assert (request.level, request.execution) == (trusted, "available")
    assert list(Notification.objects.values_list("kind", flat=True)) == delivered
    assert trail(request) == ["requested", "approved"]


def test_the_same_key_again_gives_the_first_answer_in_its_present_state(agent_and_key) -> None:
    _agent, key = agent_and_key
    first = ask(key, idempotency_key="k1")
    again = ask(key, idempotency_key="k1")
    assert again == Submitted(first.request_id, 202, True)
    request = ApprovalRequest.objects.get()
    decide(request, make_reviewer(request.team), "approve")
    assert ask(key, idempotency_key="k1") == again
    assert ApprovalRequest.objects.count() == 1


def test_a_replay_comes_before_the_read_only_check(agent_and_key) -> None:
    _agent, key = agent_and_key
    first = ask(key, idempotency_key="k1")
    submit(key, facts=TAKEOVER)
    assert ask(key, idempotency_key="k1") == Submitted(first.request_id, 202, True)
    assert ask(key, idempotency_key="k2").code == "agent_read_only"


def test_the_same_key_with_another_body_is_a_conflict(key) -> None:
    first = ask(key, idempotency_key="k1")
    other = ask(key, idempotency_key="k1", body_sha256=hashlib.sha256(b"other").digest())
    assert (other.code, other.extra) == (
        "idempotency_conflict", {"request": str(first.request_id)}
    )  # fmt: skip


@pytest.mark.parametrize("facts", [AUTO, SOFT, HARD, TAKEOVER])
def test_what_was_stored_is_told_as_it_is_read_back(agent_and_key, facts) -> None:
    agent, key = agent_and_key
    trust(agent, Level.NOTIFY_ONLY)
    told = ask(key, facts=facts, resume_state={"b": [1.5, None], "a": "\N{SNOWMAN}"})
    stored = load_request(told.request_id)
    answers = [json.loads(dumps(represent_request(each))) for each in (told.request, stored)]
    assert answers[0] == answers[1]
    columns = [field.attname for field in ApprovalRequest._meta.concrete_fields]
    assert [(name, _column(told.request, name)) for name in columns] == [
        (name, _column(stored, name)) for name in columns
    ]


def _column(request: ApprovalRequest, name: str) -> object:
    value = getattr(request, name)
    return bytes(value) if isinstance(value, memoryview) else value


def test_keys_belong_to_one_agent(key) -> None:
    _, other_key = make_agent(make_team())
    assert ask(key, idempotency_key="k1") != ask(other_key, idempotency_key="k1")
    assert ApprovalRequest.objects.count() == 2


def test_members_of_a_group_fail_one_by_one(key) -> None:
    make_action_type("typed", arguments_schema={"type": "object", "required": ["id"]})
    caller = authenticate(key)
    items = [
        Item(caller, make_submission(idempotency_key="a")),
        Item(caller, make_submission(action_type="typed", arguments={})),
        Item(caller, make_submission(idempotency_key="a")),
        Item(caller, make_submission(previous=caller.key_id)),
        Item(caller, make_submission(facts=HARD)),
    ]
    answers = submit_requests(items)
    assert [a.code if isinstance(a, Problem) else a.replayed for a in answers] == [
        False, "invalid_request", True, "invalid_request", False
    ]  # fmt: skip
    assert answers[2].request_id == answers[0].request_id
    assert answers[1].errors[0].loc == ("action", "arguments")
    assert answers[3].errors[0].loc == ("previous",)
    assert ApprovalRequest.objects.count() == Evaluation.objects.count() == 2
    assert AuditEvent.objects.filter(type="requested").count() == 2


def test_a_takeover_within_a_group_stops_the_ones_after_it(key) -> None:
    caller = authenticate(key)
    answers = submit_requests(
        [
            Item(caller, make_submission(facts=TAKEOVER)),
            Item(caller, make_submission(facts=HARD)),
            Item(caller, make_submission(facts=TAKEOVER)),
        ]
    )
    assert answers[0].http_status == answers[1].http_status == 202
    assert answers[2].code == "agent_read_only"


def test_previous_names_an_own_rejected_request(key) -> None:
    first = submit(key)
    assert ask(key, previous=first.id).errors[0].msg.endswith("that one is pending")
    decide(first, make_reviewer(first.team), "reject", notes="too much")
    assert submit(key, previous=first.id).previous_id == first.id
    _, foreign = make_agent(make_team())
    assert (
        ask(foreign, previous=first.id)
        .errors[0]
        .msg.endswith("no request of this agent has that id")
    )


def test_the_key_is_checked_again_inside(agent_and_key) -> None:
    agent, key = agent_and_key
    caller = authenticate(key)
    revoke_key(agent.keys.get(), by=person(make_admin()))
    (answer,) = submit_requests([Item(caller, make_submission())])
    assert answer.code == "key_revoked"
    assert ApprovalRequest.objects.count() == 0


def test_the_action_types_own_team_and_limits_count(key) -> None:
    legal = make_team("Legal")
    make_action_type("refund.create", team=legal, soft_seconds=60, hard_seconds=120)
    request = submit(key)
    assert request.team == legal
    assert (request.deadline - request.created_at).total_seconds() == 60


def test_a_takeover_that_fails_is_its_own_failure(key, monkeypatch) -> None:
    def fail(cause: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("approvals.services.intake_writer.begin_takeover", fail)
    caller = authenticate(key)
    stored, failed = submit_requests(
        [Item(caller, make_submission()), Item(caller, make_submission(facts=TAKEOVER))]
    )
    assert (stored.http_status, failed.code) == (202, "internal_error")
    assert ApprovalRequest.objects.get().id == stored.request_id
