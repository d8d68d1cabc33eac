from typing import Any

import pytest

from hitlconsole.demo.fleet.agent import case_of, resumed_case
from hitlconsole.demo.fleet.steps import Step, next_step, state_words
from hitlconsole.demo.scenes.scripts import make_scene

STUBBORN = make_scene("double_charge", 1)
ADJUSTING = make_scene("goodwill_too_high", 1)


def request(status: str, **members: Any) -> dict[str, Any]:
    return {
        "status": status,
        "revision": 3,
        "proceed": False,
        "level": "HARD_APPROVAL",
        "resolution": None,
        "edited": False,
        "decision": None,
    } | members


@pytest.mark.parametrize(
    ("status", "members", "step"),
    [
        ("pending", {}, Step.WAIT),
        ("escalated", {}, Step.WAIT),
        ("needs_info", {}, Step.ANSWER),
        ("approved", {"proceed": True}, Step.EXECUTE),
        ("approved", {"proceed": False}, Step.END),
        ("rejected", {}, Step.ASK_AGAIN),
        ("cancelled", {}, Step.END),
        ("expired", {}, Step.END),
        ("taken_over", {}, Step.END),
    ],
)
def test_the_next_step_follows_from_the_request(
    status: str, members: dict[str, Any], step: Step
) -> None:
    assert next_step(request(status, **members), ADJUSTING, 1, answered=0) is step


def test_a_question_is_answered_once() -> None:
    asked = request("needs_info")
    assert next_step(asked, STUBBORN, 1, answered=3) is Step.WAIT
    assert next_step(asked | {"revision": 5}, STUBBORN, 1, answered=3) is Step.ANSWER


def test_a_rejection_is_taken_where_nothing_can_be_adjusted_or_was_already() -> None:
    assert next_step(request("rejected"), STUBBORN, 1, answered=0) is Step.END
    assert next_step(request("rejected"), ADJUSTING, 2, answered=0) is Step.END


def test_a_request_tells_which_case_is_behind_it() -> None:
    case = case_of("goodwill_too_high", 77, 2)
    assert case.attempt.ask == case.scene.retry
    assert resumed_case(case.resume_state) == case
    assert resumed_case(None) is None
    assert resumed_case({"step": 4}) is None


BY_ANA = {"reviewer_id": "0193", "notes": "Too much."}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"status": "pending"}, "HARD_APPROVAL pending"),
        ({"status": "needs_info", "decision": BY_ANA}, "HARD_APPROVAL needs info: Too much."),
        (
            {"status": "approved", "resolution": "automatic", "level": "FULL_AUTO"},
            "FULL_AUTO approved by the policy",
        ),
        ({"status": "approved", "resolution": "silent_consent"}, "approved by silence"),
        (
            {"status": "approved", "resolution": "human", "edited": True, "proceed": True},
            "approved with edits",
        ),
        ({"status": "rejected", "resolution": "human", "decision": BY_ANA}, "rejected: Too much."),
        ({"status": "taken_over", "resolution": "takeover"}, "taken over"),
        (
            {
                "status": "expired",
                "resolution": "exhausted",
                "decision": {"reviewer_id": None, "notes": "Nobody decided."},
            },
            "expired",
        ),
    ],
)
def test_a_state_in_words(members: dict[str, Any], words: str) -> None:
    assert state_words(request(**members)) == words
