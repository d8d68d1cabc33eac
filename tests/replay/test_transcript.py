import json

import pytest

from approvals.replay.transcript import Call, TranscriptError, read_episode
from tests.replay import recordings


def test_calls_are_read_in_order_with_the_results_that_belong_to_them() -> None:
    episode = read_episode(recordings.visit(), line_number=1)

    assert (episode.name, episode.task) == (
        "visit-1",
        "Please waive my fees and close my account.",
    )
    ada = {"name": "Ada"}
    found = json.dumps({"member_id": "m7", "fees": [{"amount": 2.25}, {"amount": 3}]})
    refused = "Error: only 4.00 may be waived"
    first = {"amount": 5.25, "member": ada, "reasons": ["ill"]}
    second = {"amount": 4, "member": ada, "reasons": ["ill", "new"]}
    assert episode.calls == (
        Call(1, 0, "call_1", "find_member", {"member_id": "m7"}, found),
        Call(3, 0, "call_1", "waive_fee", first, refused),
        Call(5, 0, "call_1", "waive_fee", second, "waived"),
        Call(5, 1, "call_2", "close_account", {"member_id": "m7"}, "closed"),
        Call(8, 0, "call_3", "call_librarian", {"summary": "Ada wants her books back"}, None),
    )


def test_an_episode_without_a_name_is_called_after_its_line() -> None:
    assert read_episode(b'{"messages": []}', line_number=7).name == "line-7"


def test_unpacked_arguments_and_structured_results_are_taken() -> None:
    unpacked = recordings.call("find_member", "{}")
    unpacked["function"]["arguments"] = {"member_id": "m7"}
    structured = {"role": "tool", "tool_call_id": "call_1", "content": [{"text": "none"}]}
    recorded = recordings.line("v", recordings.asks(unpacked), structured)

    assert read_episode(recorded, line_number=1).calls == (
        Call(0, 0, "call_1", "find_member", {"member_id": "m7"}, '[{"text": "none"}]'),
    )


def test_a_result_for_no_call_is_left_alone() -> None:
    recorded = recordings.line("v", recordings.answers("?", call_id="call_9"))
    assert read_episode(recorded, line_number=1).calls == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", 'expected an object with a list "messages"'),
        (b'{"messages": {}}', 'expected an object with a list "messages"'),
        (b'{"episode": 5, "messages": []}', '"episode" must be a text'),
        (b'{"messages": ["hello"]}', "message 0 is no object"),
        (b'{"messages": [{"tool_calls": 1}]}', '"tool_calls" of message 0 is no list'),
        (b'{"messages": [{"tool_calls": [{}]}]}', "tool call 0.0 names no function"),
        (
            recordings.line("v", recordings.asks(recordings.call("f", "{'a': 1}"))),
            "the arguments of tool call 0.0 are unusable",
        ),
        (
            recordings.line("v", recordings.asks(recordings.call("f", '{"a": 1, "a": 2}'))),
            'the key "a" appears twice',
        ),
        (
            recordings.line("v", recordings.asks(recordings.call("f", "[1]"))),
            "the arguments of tool call 0.0 are no object",
        ),
    ],
)
def test_a_line_that_cannot_be_replayed_says_why(line: bytes, reason: str) -> None:
    with pytest.raises(TranscriptError) as refusal:
        read_episode(line, line_number=1)
    assert reason in str(refusal.value)
