"""Each call as the reference describes it, with the whole answer."""

from typing import Any
from uuid import uuid4

from approvals.models import ApprovalRequest
from approvals.services.decide import decide_request
from approvals.vocabulary import Channel, Verdict
from autonomy.models import AutonomyProfile
from hitlconsole.lib.clock import rfc3339
from tests.api.client import Client
from tests.api.conftest import World
from tests.factories import make_action_type

TRACE = [
    {
        "source": "matrix",
        "level": "HARD_APPROVAL",
        "reason": "financial domain",
        "binding": True,
    },
    {
        "source": "confidence",
        "level": "FULL_AUTO",
        "reason": "confidence 0.82 is not below 0.80",
        "binding": False,
    },
    {
        "source": "autonomy",
        "level": "SOFT_APPROVAL",
        "reason": "the agent works at soft approval for this action type",
        "binding": False,
    },
]


def as_stored(request_id: str, **differences: Any) -> dict[str, Any]:
    """The whole answer about a pending request, with its times from the database."""
    stored = ApprovalRequest.objects.get(pk=request_id)
    return {
        "id": request_id,
        "revision": 1,
        "status": "pending",
        "proceed": False,
        "level": "HARD_APPROVAL",
        "resolution": None,
        "action": {"type": "refund.create", "arguments": {"order": "5512", "amount": "420.00"}},
        "edited": False,
        "reason": None,
        "decision": None,
        "takeover": None,
        "execution": None,
        "approval_expires_at": None,
        "trace": TRACE,
        "policy_version": 1,
        "deadline": stored.deadline and rfc3339(stored.deadline),
        "on_deadline": "escalate",
        "notice": None,
        "receipt": None,
        "resume_state": None,
        "previous": None,
        "links": {
            "self": f"/api/v1/requests/{request_id}",
            "console": f"http://127.0.0.1:8000/requests/{request_id}/",
        },
        "created_at": rfc3339(stored.created_at),
        "closed_at": stored.closed_at and rfc3339(stored.closed_at),
    } | differences


def decide(request_id: str, world: World, verdict: Verdict, **more: Any) -> None:
    revision = ApprovalRequest.objects.get(pk=request_id).revision
    decide_request(
        request_id=ApprovalRequest.objects.get(pk=request_id).id,
        reviewer=world.reviewer,
        verdict=verdict,
        revision=revision,
        channel=Channel.API,
        acknowledged="cannot be undone",
        **more,
    )


def test_a_question_that_waits(door: Client, submission: dict[str, Any]) -> None:
    answer = door.post("/requests", submission | {"resume_state": {"step": 4}})
    body = answer.json()
    assert answer.status_code == 202
    assert body == as_stored(body["id"], resume_state={"step": 4})
    assert answer.headers["location"] == f"/api/v1/requests/{body['id']}"
    assert "idempotent-replayed" not in answer.headers
    assert door.get(f"/requests/{body['id']}").json() == body


def test_everything_that_was_sent_is_kept(door: Client, submission: dict[str, Any]) -> None:
    confidence = {
        "score": 1,
        "rationale": "The carrier confirmed it.",
        "uncertainties": ["partly shipped"],
        "recommendation": "CLARIFY",
    }
    context = {
        "task": "Ticket 881",
        "history": [{"at": "2026-01-31T12:00:00Z", "action": "read", "result": {"ok": True}}],
        "state": {"open": 1},
    }
    sent = submission | {
        "confidence": confidence,
        "context": context,
        "requested_level": "NOTIFY_ONLY",
        "on_behalf_of": "customer@example.com",
        "grant": None,
        "callback_url": "https://agent.example/hooks/hitl?x=1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "metadata": {"run": 7},
        "previous": None,
    }
    answer = door.post("/requests", sent)
    assert answer.status_code == 202
    stored = ApprovalRequest.objects.get(pk=answer.json()["id"])
    assert {
        "risk": stored.risk,
        "confidence": stored.confidence,
        "context": stored.context,
        "on_behalf_of": stored.on_behalf_of,
        "callback_url": stored.callback_url,
        "traceparent": stored.traceparent,
        "metadata": stored.metadata,
        "description": stored.description,
    } == {
        name: sent[name]
        for name in (
            "risk",
            "confidence",
            "context",
            "on_behalf_of",
            "callback_url",
            "traceparent",
            "metadata",
            "description",
        )
    }
    assert stored.confidence_score == 1.0


def test_a_question_that_nobody_has_to_answer(door: Client, world: World) -> None:
    make_action_type("order.read", side_effects=False, cost_usd=0)
    answer = door.post(
        "/requests",
        {"action": {"type": "order.read", "arguments": {}}, "description": "Look at order 5512"},
    )
    body = answer.json()
    closed = body["closed_at"]
    assert answer.status_code == 201
    assert {name: body[name] for name in ("status", "proceed", "level", "resolution")} == {
        "status": "approved",
        "proceed": True,
        "level": "FULL_AUTO",
        "resolution": "automatic",
    }
    assert (body["execution"], body["deadline"], body["on_deadline"]) == ("available", None, None)
    assert body["decision"] == {
        "verdict": "approve",
        "reviewer_id": None,
        "notes": "Approved by the policy; nobody was asked.",
        "at": closed,
    }


def test_a_question_that_stops_the_agent(door: Client, submission: dict[str, Any]) -> None:
    first = door.post("/requests", submission | {"confidence": {"recommendation": "ESCALATE"}})
    body = first.json()
    assert first.status_code == 202
    assert (body["status"], body["level"], body["proceed"]) == (
        "taken_over",
        "HUMAN_TAKEOVER",
        False,
    )
    second = door.post("/requests", submission)
    assert (second.status_code, second.json()) == (
        423,
        {
            "type": "/api/v1/problems#agent_read_only",
            "title": "The agent is read-only",
            "status": 423,
            "detail": "A person has taken over: only actions registered without side effects pass.",
            "code": "agent_read_only",
            "takeover": body["takeover"],
        },
    )
    me = door.get("/agents/me").json()
    assert (me["status"], me["takeover"]["id"], me["takeover"]["source"]) == (
        "read_only",
        body["takeover"],
        "policy",
    )
    # Looking, and whatever has no side effects, go on.
    make_action_type("order.read", side_effects=False, cost_usd=0)
    lookup = {"action": {"type": "order.read", "arguments": {}}, "description": "Look"}
    assert door.post("/requests", lookup).status_code == 201
    assert door.get(f"/requests/{body['id']}").json() == body


def test_an_answer_to_a_question(api: Client, world: World, submission: dict[str, Any]) -> None:
    request_id = api.post("/requests", submission).json()["id"]
    decide(request_id, world, Verdict.ASK, notes="Which carrier?")
    asked = api.get(f"/requests/{request_id}").json()
    assert (asked["status"], asked["revision"]) == ("needs_info", 2)
    assert asked["decision"] == {
        "verdict": "ask",
        "reviewer_id": str(world.reviewer.id),
        "notes": "Which carrier?",
        "at": asked["decision"]["at"],
    }
    question = asked["decision"]["verdict"], asked["decision"]["notes"]
    assert question == ("ask", "Which carrier?")

    answer = api.post(f"/requests/{request_id}/messages", {"text": "ACME", "data": {"id": 7}})
    body = answer.json()
    assert answer.status_code == 201
    assert (body["kind"], body["text"], body["data"]) == ("answer", "ACME", {"id": 7})
    assert body["request"] == as_stored(request_id, revision=3)

    evidence = api.post(f"/requests/{request_id}/messages", {"text": "A photo"}).json()
    assert (evidence["kind"], evidence["data"]) == ("evidence", None)
    assert evidence["request"]["revision"] == 4


def test_a_message_sent_twice_is_one(api: Client, world: World, submission: dict[str, Any]) -> None:
    path = f"/requests/{api.post('/requests', submission).json()['id']}/messages"
    headers = {"Idempotency-Key": "m-1"}
    first = api.post(path, {"text": "A photo"}, headers=headers)
    again = api.post(path, {"text": "A photo"}, headers=headers)
    other = api.post(path, {"text": "Another photo"}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_withdrawing(api: Client, submission: dict[str, Any]) -> None:
    first, second = (api.post("/requests", submission).json()["id"] for _ in range(2))
    answer = api.post(f"/requests/{first}/cancel", {"reason": "The parcel came back."})
    assert answer.status_code == 200
    closed = answer.json()["closed_at"]
    assert answer.json() == as_stored(
        first,
        revision=2,
        status="cancelled",
        resolution="withdrawn",
        reason="The parcel came back.",
        decision={
            "verdict": None,
            "reviewer_id": None,
            "notes": "Withdrawn by the agent.",
            "at": closed,
        },
        deadline=None,
        on_deadline=None,
    )
    assert api.post(f"/requests/{first}/cancel").json() == answer.json()
    assert api.post(f"/requests/{second}/cancel").json()["status"] == "cancelled"


def test_an_approved_action_is_run_once(
    api: Client, world: World, submission: dict[str, Any]
) -> None:
    request_id = api.post("/requests", submission).json()["id"]
    path = f"/requests/{request_id}"
    early = api.post(f"{path}/execution", {"claim_id": "run-1"})
    assert (early.status_code, early.json()["code"]) == (409, "not_approved")

    decide(request_id, world, Verdict.APPROVE)
    approved = api.get(path).json()
    assert (approved["proceed"], approved["execution"]) == (True, "available")
    unclaimed = api.post(f"{path}/outcome", {"result": "success"})
    assert (unclaimed.status_code, unclaimed.json()["code"]) == (409, "not_executed")

    claimed = api.post(f"{path}/execution", {"claim_id": "run-1"})
    assert claimed.status_code == 200
    assert claimed.json() == approved | {"proceed": False, "execution": "claimed"}
    assert api.post(f"{path}/execution", {"claim_id": "run-1"}).json() == claimed.json()
    other = api.post(f"{path}/execution", {"claim_id": "run-2"})
    assert (other.status_code, other.json()["code"]) == (409, "already_executed")

    done = api.post(f"{path}/outcome", {"result": "success", "details": {"refund": "r-9"}})
    reported_at = done.json()["reported_at"]
    assert (done.status_code, done.json()) == (
        200,
        {"result": "success", "reported_at": reported_at, "stored": True},
    )
    again = api.post(f"{path}/outcome", {"result": "success", "details": {"refund": "r-9"}})
    assert again.json() == {"result": "success", "reported_at": reported_at, "stored": False}
    contrary = api.post(f"{path}/outcome", {"result": "failure"})
    assert (contrary.status_code, contrary.json()["code"]) == (409, "outcome_conflict")


def test_trying_again_after_a_rejection(
    api: Client, world: World, submission: dict[str, Any]
) -> None:
    first = api.post("/requests", submission).json()["id"]
    early = api.post("/requests", submission | {"previous": first})
    assert (early.status_code, early.json()["errors"]) == (
        422,
        [
            {
                "loc": ["previous"],
                "msg": "must be the id of an own rejected request; that one is pending",
            }
        ],
    )
    decide(first, world, Verdict.REJECT, notes="Too much.")
    rejected = api.get(f"/requests/{first}").json()
    assert (rejected["status"], rejected["reason"]) == ("rejected", "Too much.")
    assert rejected["decision"]["verdict"] == "reject"
    assert rejected["decision"]["reviewer_id"] == str(world.reviewer.id)
    second = api.post("/requests", submission | {"previous": first})
    assert (second.status_code, second.json()["previous"]) == (202, first)


def test_the_list_in_pages(api: Client, world: World, submission: dict[str, Any]) -> None:
    ids = [api.post("/requests", submission).json()["id"] for _ in range(5)]
    other = submission["action"] | {"type": "book_reservation"}
    other_id = api.post("/requests", submission | {"action": other}).json()["id"]
    newest_first = [other_id, *reversed(ids)]

    seen, cursor = [], None
    while True:
        page = api.get("/requests", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen.append([item["id"] for item in page.json()["items"]])
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == [newest_first[0:2], newest_first[2:4], newest_first[4:6]]

    api.post(f"/requests/{ids[0]}/cancel")
    cancelled = api.get("/requests", params={"status": "cancelled"}).json()
    assert [item["id"] for item in cancelled["items"]] == [ids[0]]
    typed = api.get("/requests", params={"action_type": "book_reservation"}).json()
    assert (typed["items"], typed["next_cursor"]) == ([as_stored(other_id, action=other)], None)
    assert api.with_key(world.stranger_key).get("/requests").json() == {
        "items": [],
        "next_cursor": None,
    }


def test_a_dry_run_stores_nothing(
    api: Client, submission: dict[str, Any], nothing_stored: Any
) -> None:
    with nothing_stored():
        answer = api.post("/evaluate", submission)
    assert (answer.status_code, answer.json()) == (
        200,
        {"level": "HARD_APPROVAL", "trace": TRACE, "policy_version": 1},
    )


def test_what_the_agent_is_told_of_itself(api: Client, world: World) -> None:
    AutonomyProfile.objects.create(
        agent=world.agent, action_type="refund.create", level=1, streak=3
    )
    assert api.get("/agents/me").json() == {
        "id": str(world.agent.id),
        "name": world.agent.name,
        "team": "Payments",
        "status": "active",
        "profiles": [{"action_type": "refund.create", "level": "NOTIFY_ONLY", "streak": 3}],
        "grants": [],
        "takeover": None,
    }


def test_others_requests_are_not_found(
    door: Client, world: World, submission: dict[str, Any], nothing_stored: Any
) -> None:
    request_id = door.post("/requests", submission).json()["id"]
    stranger = door.with_key(world.stranger_key)
    calls = {
        "": None,
        "/cancel": {},
        "/messages": {"text": "hello"},
        "/execution": {"claim_id": "x"},
        "/outcome": {"result": "success"},
    }
    with nothing_stored():
        for asked in (request_id, str(uuid4())):
            for call, body in calls.items():
                path = f"/requests/{asked}{call}"
                answer = stranger.get(path) if body is None else stranger.post(path, body)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        theirs = stranger.post("/requests", submission | {"previous": request_id})
        assert theirs.json()["errors"][0]["msg"] == (
            "must be the id of an own rejected request; no request of this agent has that id"
        )
    assert door.get(f"/requests/{request_id}").json() == as_stored(request_id)


def test_a_read_only_agent_cannot_claim_what_was_approved_before(
    api: Client, world: World, submission: dict[str, Any]
) -> None:
    request_id = api.post("/requests", submission).json()["id"]
    decide(request_id, world, Verdict.APPROVE)
    stopped = api.post("/requests", submission | {"confidence": {"score": 0.1}}).json()
    answer = api.post(f"/requests/{request_id}/execution", {"claim_id": "run-1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["takeover"]) == (
        423,
        "agent_read_only",
        stopped["takeover"],
    )
    assert api.get(f"/requests/{request_id}").json()["execution"] == "available"
