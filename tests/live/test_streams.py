"""What a stream says, to whom, and when it ends."""

import time
from collections.abc import Callable

import httpx

from approvals.live.stream import QUIET_SECONDS
from hitlconsole.accounts.services import create_agent, create_key
from tests.live.conftest import Desk, Floor
from tests.live.reader import Reader

PLAIN = "text/plain; charset=utf-8"


def ask(floor: Floor, key: str) -> str:
    """Through the door, so that the web process tells of it."""
    body = {
        "action": {"type": "refund.create", "arguments": {"order": "5512"}},
        "description": "Refund order 5512",
        "risk": {"reversible": False, "cost_usd": "420.00"},
        "confidence": {"score": 0.9},
    }
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{floor.web.url}/api/v1/requests", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_stream_opens_with_a_beat_and_is_kept_by_nobody(floor: Floor, desk: Desk) -> None:
    reader = floor.reader(desk.ana)
    assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reader.headers["cache-control"] == "no-store"
    assert reader.headers["x-accel-buffering"] == "no"
    assert [reader.wait_for("beat").data for _ in range(2)] == [{"hears": True}] * 2


def test_a_submission_and_its_decision_are_told_with_their_id(floor: Floor, desk: Desk) -> None:
    reader = floor.reader(desk.ana)
    request_id = ask(floor, desk.key)
    assert reader.wait_for("change").data == {"requests": [request_id]}
    headers = {"Authorization": f"Bearer {desk.key}"}
    url = f"{floor.web.url}/api/v1/requests/{request_id}/cancel"
    assert httpx.post(url, json={}, headers=headers).status_code == 200
    assert reader.wait_for("change").data == {"requests": [request_id]}


def test_nothing_is_told_of_another_teams_requests(
    floor: Floor, make_desk: Callable[[], Desk]
) -> None:
    ours, theirs = make_desk(), make_desk()
    reader = floor.reader(ours.ana)
    ask(floor, theirs.key)
    mine = ask(floor, ours.key)
    assert [event.data for event in reader.heard("change", 1.5)] == [{"requests": [mine]}]


def test_an_owner_hears_of_an_agent_of_another_team(
    floor: Floor, make_desk: Callable[[], Desk]
) -> None:
    ours, theirs = make_desk(), make_desk()
    owned = create_agent(name=f"owned by {ours.ana.name}", team=theirs.team, owner=ours.ana)
    reader = floor.reader(ours.ana)
    request_id = ask(floor, create_key(owned)[1])
    assert reader.wait_for("change").data == {"requests": [request_id]}


def test_a_burst_is_few_events_and_much_is_not_counted(floor: Floor, desk: Desk) -> None:
    reader = floor.reader(desk.ana)
    began = time.monotonic()
    asked = {ask(floor, desk.key) for _ in range(60)}
    told = reader.heard("change", 2.0)
    assert len(told) <= (time.monotonic() - began) / QUIET_SECONDS + 1
    named = {one for event in told for one in event.data["requests"] or ()}
    assert named <= asked
    assert named == asked or any(event.data["requests"] is None for event in told)


def test_signing_out_ends_the_streams_of_that_session_alone(floor: Floor, desk: Desk) -> None:
    http = floor.sign_in(desk.ana)
    here, elsewhere = Reader(http).listening(), floor.reader(desk.ana)
    token = http.cookies["csrftoken"]
    answer = http.post("/sign-out/", data={"csrfmiddlewaretoken": token})
    assert answer.status_code == 302, answer.text
    assert here.wait_for_end(timeout=3) == "signed-out"
    request_id = ask(floor, desk.key)
    assert elsewhere.wait_for("change").data == {"requests": [request_id]}
    assert http.get("/live/").status_code == 401
