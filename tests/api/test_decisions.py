"""Decisions by an outside system: the person is checked as in the console."""

from typing import Any
from uuid import UUID

import pytest

from approvals.models import ApprovalRequest, Decision
from hitlconsole.accounts.models import User
from tests.api.client import Client
from tests.api.conftest import SUBMISSION, World
from tests.factories import make_reviewer, make_team


@pytest.fixture
def desk(api: Client, world: World) -> Client:
    return api.with_key(world.service_key)


@pytest.fixture
def request_id(api: Client) -> str:
    answer = api.post("/requests", SUBMISSION).json()
    return str(answer["id"])


def decision(**members: Any) -> dict[str, Any]:
    verdict = {"verdict": "approve", "reviewer": "ana@example.com", "revision": 1}
    return verdict | {"acknowledged": "Cannot be undone."} | members


def test_approving(desk: Client, api: Client, world: World, request_id: str) -> None:
    answer = desk.post(
        f"/requests/{request_id}/decision", decision(reviewer="Ana@Example.com", notes="Fine.")
    )
    assert answer.status_code == 200
    assert answer.json() == api.get(f"/requests/{request_id}").json()
    body = answer.json()
    assert (body["status"], body["resolution"], body["proceed"]) == ("approved", "human", True)
    assert body["decision"] == {
        "verdict": "approve",
        "reviewer_id": str(world.reviewer.id),
        "notes": "Fine.",
        "at": body["closed_at"],
    }
    kept = Decision.objects.get(request=UUID(request_id))
    assert (kept.channel, kept.effect, kept.reviewer_id) == ("api", "closed", world.reviewer.id)


def test_approving_with_edits(desk: Client, request_id: str) -> None:
    edited = {"type": "refund.create", "arguments": {"order": "5512", "amount": "400.00"}}
    answer = desk.post(
        f"/requests/{request_id}/decision",
        decision(verdict="approve_with_edits", edited_action=edited),
    ).json()
    assert (answer["status"], answer["edited"], answer["action"]) == ("approved", True, edited)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ("reject", "rejected"),
        ("ask", "needs_info"),
        ("escalate", "escalated"),
        ("take_over", "taken_over"),
    ],
)
def test_verdicts_that_need_words(
    desk: Client, request_id: str, verdict: str, status: str, nothing_stored: Any
) -> None:
    path = f"/requests/{request_id}/decision"
    with nothing_stored():
        silent = desk.post(path, decision(verdict=verdict))
    assert (silent.status_code, silent.json()["errors"][0]["loc"]) == (422, ["notes"])
    assert desk.post(path, decision(verdict=verdict, notes="Because.")).json()["status"] == status


def test_a_late_decision_is_told_who_won(
    desk: Client, api: Client, world: World, request_id: str
) -> None:
    make_reviewer(world.team, "ben@example.com")
    desk.post(f"/requests/{request_id}/decision", decision())
    late = desk.post(
        f"/requests/{request_id}/decision",
        decision(reviewer="ben@example.com", verdict="reject", notes="No."),
    )
    problem = late.json()
    assert (late.status_code, problem["code"]) == (409, "already_closed")
    assert problem["detail"].startswith("Approved by ana ")
    assert problem["request"] == api.get(f"/requests/{request_id}").json()
    assert problem["request"]["status"] == "approved"


def test_a_stale_revision(desk: Client, api: Client, request_id: str, nothing_stored: Any) -> None:
    api.post(f"/requests/{request_id}/messages", {"text": "One more thing."})
    with nothing_stored():
        answer = desk.post(f"/requests/{request_id}/decision", decision())
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_revision")
    assert answer.json()["request"]["revision"] == 2


def test_people_who_may_not(
    desk: Client, world: World, request_id: str, nothing_stored: Any
) -> None:
    make_reviewer(make_team("Elsewhere"), "eve@example.com")
    User.objects.filter(pk=make_reviewer(world.team, "gone@example.com").pk).update(is_active=False)
    world.agent.owner = make_reviewer(world.team, "owner@example.com")
    world.agent.save()
    path = f"/requests/{request_id}/decision"
    with nothing_stored():
        answers = {
            who: desk.post(path, decision(reviewer=f"{who}@example.com"))
            for who in ("eve", "gone", "owner", "nobody")
        }
    assert {who: (a.status_code, a.json()["code"]) for who, a in answers.items()} == {
        "eve": (404, "not_found"),
        "gone": (422, "invalid_request"),
        "owner": (403, "not_allowed"),
        "nobody": (422, "invalid_request"),
    }
    assert ApprovalRequest.objects.get(pk=request_id).status == "pending"


def test_wrong_bodies(desk: Client, request_id: str, nothing_stored: Any) -> None:
    path = f"/requests/{request_id}/decision"
    with nothing_stored():
        edits = desk.post(path, decision(edited_action={"type": "x", "arguments": {}}))
        unknown = desk.post(path, decision(verdict="allow", revision="1"))
    assert edits.json()["errors"][0]["loc"] == ["edited_action"]
    assert unknown.json()["errors"] == [
        {
            "loc": ["verdict"],
            "msg": "must be one of 'approve', 'approve_with_edits', 'reject', 'ask',"
            " 'escalate' or 'take_over'",
        },
        {"loc": ["revision"], "msg": "must be a whole number"},
    ]
