"""A repeated submission is the same question, however it comes and whoever is first."""

import threading
from typing import Any

import httpx
import pytest

from approvals.models import ApprovalRequest
from approvals.vocabulary import Verdict
from audit.models import AuditEvent
from tests.api.client import Client
from tests.api.conftest import SUBMISSION, World
from tests.api.test_calls import decide

KEY = {"Idempotency-Key": "order 5512/1"}


def test_a_repeat_gets_the_first_status_and_the_present_state(door: Client, world: World) -> None:
    first = door.post("/requests", SUBMISSION, headers=KEY)
    request_id = first.json()["id"]
    again = door.post("/requests", SUBMISSION, headers=KEY)
    assert (again.status_code, again.json()) == (202, first.json())
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]

    decide(request_id, world, Verdict.APPROVE)
    later = door.post("/requests", SUBMISSION, headers=KEY)
    assert (later.status_code, later.json()) == (202, door.get(f"/requests/{request_id}").json())
    assert later.json()["proceed"] is True
    assert ApprovalRequest.objects.count() == 1
    assert AuditEvent.objects.filter(type="requested").count() == 1


def test_the_same_body_written_in_another_way(door: Client) -> None:
    first = door.post("/requests", SUBMISSION, headers=KEY).json()
    spaced = (
        b'{ "risk": {"cost_usd": "420.00", "domains": ["financial"], "reversible": false},\n'
        b'"confidence": {"recommendation": "PROCEED", "score": 8.2e-1},\n'
        b'"description": "Refund order 5512: parcel l\\u006fst",\n'
        b'"action": {"arguments": {"amount": "420.00", "order": "5512"},'
        b' "type": "refund.create"} }'
    )
    again = door.post_raw("/requests", spaced, **KEY)
    assert (again.status_code, again.json()) == (202, first)
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Refund order 5512: parcel lost."},
        {"metadata": {}},
        {"risk": SUBMISSION["risk"] | {"cost_usd": "420.01"}},
    ],
)
def test_the_same_key_with_another_body(
    door: Client, change: dict[str, Any], nothing_stored: Any
) -> None:
    first = door.post("/requests", SUBMISSION, headers=KEY).json()
    with nothing_stored():
        other = door.post("/requests", SUBMISSION | change, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert other.json()["request"] == first["id"]


def test_keys_belong_to_the_agent(door: Client, world: World) -> None:
    own = door.post("/requests", SUBMISSION, headers=KEY).json()
    theirs = door.with_key(world.stranger_key).post("/requests", SUBMISSION, headers=KEY)
    assert theirs.status_code == 202
    assert theirs.json()["id"] != own["id"]


def test_a_refusal_is_not_kept(door: Client) -> None:
    refused = door.post("/requests", SUBMISSION | {"description": ""}, headers=KEY)
    assert refused.status_code == 422
    assert door.post("/requests", SUBMISSION, headers=KEY).status_code == 202


def test_a_repeat_is_answered_while_the_agent_is_read_only(door: Client) -> None:
    first = door.post("/requests", SUBMISSION, headers=KEY)
    door.post("/requests", SUBMISSION | {"confidence": {"score": 0.1}})
    again = door.post("/requests", SUBMISSION, headers=KEY)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert door.post("/requests", SUBMISSION).status_code == 423


def test_many_at_once_are_one(door: Client) -> None:
    answers: list[httpx.Response] = []
    barrier = threading.Barrier(8)

    def send() -> None:
        barrier.wait()
        answers.append(door.post("/requests", SUBMISSION, headers=KEY))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert sorted(replayed, key=str) == [None] + ["true"] * 7
    assert ApprovalRequest.objects.count() == 1
    assert AuditEvent.objects.filter(type="requested").count() == 1


def test_many_different_ones_at_once_each_get_their_own_answer(door: Client) -> None:
    """Among them wrong ones and repeats: one's fate is never its neighbour's."""
    bodies = {
        f"k{i}": SUBMISSION | {"metadata": {"i": i}, "previous": None if i % 3 else str(NOBODYS)}
        for i in range(12)
    }
    answers: dict[str, httpx.Response] = {}
    barrier = threading.Barrier(len(bodies))

    def send(key: str) -> None:
        barrier.wait()
        answers[key] = door.post("/requests", bodies[key], headers={"Idempotency-Key": key})

    threads = [threading.Thread(target=send, args=(key,)) for key in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {key: 422 if body["previous"] else 202 for key, body in bodies.items()}
    assert {key: answer.status_code for key, answer in answers.items()} == expected
    stored = dict(ApprovalRequest.objects.values_list("idempotency_key", "metadata"))
    assert stored == {key: bodies[key]["metadata"] for key, code in expected.items() if code == 202}


NOBODYS = "01a2103d-2320-7142-8eb9-3834c1803c9b"
