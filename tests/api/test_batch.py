"""Up to 100 questions at once, each with the answer of a single call."""

from typing import Any

from approvals.models import ApprovalRequest
from tests.api.client import Client
from tests.api.conftest import SUBMISSION
from tests.factories import make_action_type


def test_each_has_its_own_answer(api: Client) -> None:
    make_action_type("order.read", side_effects=False, cost_usd=0)
    lookup = {"action": {"type": "order.read", "arguments": {}}, "description": "Look"}
    answer = api.post(
        "/requests/batch",
        {
            "requests": [
                SUBMISSION | {"idempotency_key": "a"},
                SUBMISSION | {"description": ""},
                lookup,
                SUBMISSION | {"idempotency_key": "a"},
                SUBMISSION | {"idempotency_key": "a", "metadata": {"other": True}},
                "no object",
                SUBMISSION | {"idempotency_key": ""},
                SUBMISSION | {"previous": "01a2103d-2320-7142-8eb9-3834c1803c9b"},
            ]
        },
    )
    items = answer.json()["items"]
    assert answer.status_code == 200
    assert [(item["status"], item["replayed"]) for item in items] == [
        (202, False),
        (422, False),
        (201, False),
        (202, True),
        (409, False),
        (422, False),
        (422, False),
        (422, False),
    ]
    single = api.get(f"/requests/{items[0]['request']['id']}").json()
    assert (items[0]["request"], items[0]["problem"]) == (single, None)
    assert items[3]["request"] == single
    assert items[2]["request"]["proceed"] is True
    problems = [item["problem"] for item in items if item["request"] is None]
    assert [problem["code"] for problem in problems] == [
        "invalid_request",
        "idempotency_conflict",
        "invalid_request",
        "invalid_request",
        "invalid_request",
    ]
    assert [problem["errors"][0]["loc"] for problem in problems if "errors" in problem] == [
        ["description"],
        [],
        ["idempotency_key"],
        ["previous"],
    ]
    assert ApprovalRequest.objects.count() == 2


def test_a_batch_repeats_a_single_call(api: Client) -> None:
    single = api.post("/requests", SUBMISSION, headers={"Idempotency-Key": "a"}).json()
    batch = {"requests": [SUBMISSION | {"idempotency_key": "a"}]}
    (item,) = api.post("/requests/batch", batch).json()["items"]
    assert item == {"status": 202, "replayed": True, "request": single, "problem": None}


def test_a_takeover_in_the_middle_stops_the_rest(api: Client) -> None:
    """The answers are as if the questions had come one after the other, takeovers last."""
    stop = SUBMISSION | {"confidence": {"recommendation": "ESCALATE"}}
    items = api.post("/requests/batch", {"requests": [SUBMISSION, stop, stop]}).json()["items"]
    assert [item["status"] for item in items] == [202, 202, 423]
    assert [item["request"] and item["request"]["status"] for item in items] == [
        "pending",
        "taken_over",
        None,
    ]
    assert items[2]["problem"]["takeover"] == items[1]["request"]["takeover"]


def test_a_schema_that_cannot_be_used_fails_its_own_question(api: Client) -> None:
    make_action_type("broken.type", arguments_schema={"$ref": "#"})
    broken = SUBMISSION | {"action": {"type": "broken.type", "arguments": {}}}
    items = api.post("/requests/batch", {"requests": [SUBMISSION, broken]}).json()["items"]
    assert [item["status"] for item in items] == [202, 422]
    assert items[1]["problem"]["errors"][0]["loc"] == ["action", "type"]


def test_a_hundred(api: Client) -> None:
    answer = api.post("/requests/batch", {"requests": [SUBMISSION] * 100}).json()
    assert [item["status"] for item in answer["items"]] == [202] * 100
    assert len({item["request"]["id"] for item in answer["items"]}) == 100


def test_wrong_batches(api: Client, nothing_stored: Any) -> None:
    expected = {
        0: "must have at least 1 items",
        101: "must have at most 100 items",
    }
    with nothing_stored():
        for size, words in expected.items():
            answer = api.post("/requests/batch", {"requests": [SUBMISSION] * size})
            assert (answer.status_code, answer.json()["errors"]) == (
                422,
                [{"loc": ["requests"], "msg": words}],
            )
        twice = api.post_raw("/requests/batch", b'{"requests": [{"a": 1, "a": 1}]}')
        assert (twice.status_code, twice.json()["errors"]) == (
            422,
            [{"loc": ["requests", 0, "a"], "msg": 'the key "a" appears twice'}],
        )
