from decimal import Decimal

import pytest

from approvals.replay.asking import Asked, find_cost, idempotency_key, questions, shorten
from approvals.replay.mapping import CostSource, Mapping, TakeoverMode, read_mapping
from approvals.replay.paths import fill, select
from approvals.replay.transcript import Call, Episode, read_episode
from tests.replay import recordings


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return read_mapping(recordings.MAPPING, name="library.toml")


@pytest.fixture(scope="module")
def asked(mapping: Mapping) -> list[Asked]:
    episode = read_episode(recordings.visit(), line_number=1)
    return list(questions(episode, mapping))


def test_each_consequential_call_is_asked_once_in_its_place(asked: list[Asked]) -> None:
    assert [(a.place, a.body["action"]["type"]) for a in asked] == [
        ("3.0", "fee.waive"),
        ("5.0", "fee.waive"),
        ("5.1", "close_account"),
    ]


def test_a_repeated_call_id_does_not_make_two_calls_one(asked: list[Asked]) -> None:
    assert [a.idempotency_key for a in asked] == [
        "replay/visit-1/3.0/call_1",
        "replay/visit-1/5.0/call_1",
        "replay/visit-1/5.1/call_2",
    ]


def test_the_body_holds_what_was_known_before_the_call(asked: list[Asked]) -> None:
    assert asked[1].body == {
        "action": {
            "type": "fee.waive",
            "arguments": {"amount": 4, "member": {"name": "Ada"}, "reasons": ["ill", "new"]},
        },
        "description": "Waive 4 USD for Ada: ill, new",
        "risk": {"domains": ["financial"], "reversible": False, "cost_usd": "4.00"},
        "context": {
            "task": "Please waive my fees and close my account.",
            "history": [
                {
                    "action": 'find_member {"member_id":"m7"}',
                    "result": '{"member_id": "m7", "fees": [{"amount": 2.25}, {"amount": 3}]}',
                },
                {
                    "action": 'waive_fee {"amount":5.25,"member":{"name":"Ada"},"reasons":["ill"]}',
                    "result": "Error: only 4.00 may be waived",
                },
            ],
            "state": {"tool_calls_before": 2, "tool_calls_left_out": 0, "texts_shortened": 0},
        },
        "metadata": {
            "episode": "visit-1",
            "tool": "waive_fee",
            "place": "5.0",
            "tool_call_id": "call_1",
        },
    }


def test_what_a_tool_does_not_say_stays_unknown(asked: list[Asked]) -> None:
    assert asked[2].body["risk"] == {"domains": [], "cost_usd": "5.25"}


def test_hand_overs_are_asked_for_only_when_the_mapping_says_so(mapping: Mapping) -> None:
    episode = read_episode(recordings.visit(), line_number=1)
    stopping = Mapping(TakeoverMode.REQUEST, mapping.tools)

    last = list(questions(episode, stopping))[-1]
    assert (last.place, last.body["requested_level"]) == ("8.0", "HUMAN_TAKEOVER")
    assert "requested_level" not in next(questions(episode, mapping)).body


def test_a_long_history_is_cut_and_says_how_much_is_missing(mapping: Mapping) -> None:
    looks = tuple(Call(n, 0, f"c{n}", "find_member", {"n": n}, "x" * 2500) for n in range(40))
    last = Call(40, 0, "c40", "waive_fee", {"amount": 1})
    [asked] = questions(Episode("long", "t" * 3000, (*looks, last)), mapping)

    context = asked.body["context"]
    assert context["state"] == {
        "tool_calls_before": 40,
        "tool_calls_left_out": 10,
        "texts_shortened": 31,
    }
    assert [step["action"] for step in context["history"]] == [
        f'find_member {{"n":{n}}}' for n in range(10, 40)
    ]
    assert {len(step["result"]) for step in context["history"]} == {2000}
    assert context["history"][0]["result"].endswith("x … [of 2,500 characters]")
    assert context["task"].endswith("t … [of 3,000 characters]")


def test_another_run_asks_anew(mapping: Mapping) -> None:
    episode = read_episode(recordings.visit(), line_number=1)
    first, again = (next(questions(episode, mapping, run=run)) for run in ("", "second"))

    assert again.idempotency_key == "replay/second/visit-1/3.0/call_1"
    assert again.body["metadata"] == first.body["metadata"] | {"run": "second"}


@pytest.mark.parametrize("name", ["Zürich", "e" * 300, "tab\there"])
def test_names_that_no_header_can_carry_get_a_hashed_key(name: str) -> None:
    call = Call(1, 0, "c", "waive_fee", {})
    key = idempotency_key(Episode(name, "", (call,)), call, "")

    assert key.isascii()
    assert key.isprintable()
    assert len(key) == len("replay/") + 64
    assert key != idempotency_key(Episode(name + "2", "", (call,)), call, "")


FEES = CostSource(result_of="find", same="id", path="fees[].usd")


@pytest.mark.parametrize(
    ("earlier", "cost"),
    [
        ([], None),
        (['{"id": "a", "fees": [{"usd": 1.1}, {"usd": 2.2}]}'], Decimal("3.30")),
        (['{"id": "a", "fees": [{"usd": 1}]}', '{"id": "a", "fees": [{"usd": 2}]}'], Decimal(2)),
        (['{"id": "a", "fees": [{"usd": 1}]}', '{"id": "b", "fees": [{"usd": 2}]}'], Decimal(1)),
        (['{"id": "a", "fees": [{"usd": 0.001}]}'], Decimal("0.01")),
        (['{"id": "a", "fees": []}'], None),
        (['{"id": "a", "fees": [{"usd": 5}, {"usd": "many"}]}'], None),
        (['{"id": "a", "fees": [{"usd": -5}]}'], None),
        (["not found"], None),
    ],
)
def test_a_cost_comes_from_the_latest_result_about_the_same_thing(
    earlier: list[str], cost: Decimal | None
) -> None:
    results = [Call(n, 0, "", "find", {}, result) for n, result in enumerate(earlier)]
    assert find_cost(Call(9, 0, "", "close", {"id": "a"}), results, FEES) == cost


def test_paths_walk_objects_and_lists() -> None:
    value = {"a": {"b": [{"c": 1}, {"d": 0}, {"c": [2]}]}, "e": None}

    assert select(value, "a.b[].c") == [1, [2]]
    assert select(value, "e") == [None]
    assert select(value, "a[].b") == []
    assert fill("{e} {a.b[].c} {x}", value) == "None 1, [2] (not given)"


def test_a_text_within_the_limit_is_left_alone() -> None:
    assert shorten("a" * 40, 40) == "a" * 40
    assert shorten("a" * 41, 40) == "a" * 19 + " … [of 41 characters]"
