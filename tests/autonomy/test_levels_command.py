"""`manage.py evaluate_levels`: JSON lines in, JSON lines out, no database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, str(ROOT / "manage.py"), "evaluate_levels"]
CASE: dict[str, Any] = {
    "id": "a",
    "facts": {
        "reversible": True,
        "domains": [],
        "cost_usd": "20.00",
        "confidence": 0.95,
        "recommendation": None,
        "requested_level": None,
        "failures_24h": 0,
    },
    "action_type": None,
    "facts_from": "stated",
    "profile_level": "NOTIFY_ONLY",
    "chain": [],
}
ONE_LEVEL = "must be one of FULL_AUTO, NOTIFY_ONLY, SOFT_APPROVAL, HARD_APPROVAL, HUMAN_TAKEOVER"
# Nothing listens there: whoever connects to the database fails. Output is buffered as usual.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "DATABASE_OWNER_URL": "postgres://nobody@127.0.0.1:1/nothing",
}


def run(stdin: bytes, *arguments: str) -> tuple[int, list[dict[str, Any]], list[str]]:
    done = subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, timeout=60, env=ENVIRONMENT
    )
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return done.returncode, answers, done.stderr.decode().splitlines()


def lines(*cases: Any) -> bytes:
    return b"".join(json.dumps(case).encode() + b"\n" for case in cases)


def test_each_line_is_answered() -> None:
    hard = {**CASE, "id": 2, "facts": {"cost_usd": "420.00"}, "expect": {"level": "ignored"}}
    returncode, answers, complaints = run(lines(CASE) + b"\r\n\n" + lines(hard))
    assert (returncode, complaints) == (0, [])
    assert answers == [
        {
            "id": "a",
            "level": "NOTIFY_ONLY",
            "binding": ["autonomy"],
            "trace": [
                {
                    "source": "matrix",
                    "level": "FULL_AUTO",
                    "reason": "reversible, cost 20.00 USD, confidence 0.95 is above 0.85",
                    "binding": False,
                },
                {
                    "source": "confidence",
                    "level": "FULL_AUTO",
                    "reason": "confidence 0.95 is not below 0.80",
                    "binding": False,
                },
                {
                    "source": "autonomy",
                    "level": "NOTIFY_ONLY",
                    "reason": "the agent works at notify only for this action type",
                    "binding": True,
                },
            ],
        },
        {
            "id": 2,
            "level": "HARD_APPROVAL",
            "binding": ["matrix"],
            "trace": [
                {
                    "source": "matrix",
                    "level": "HARD_APPROVAL",
                    "reason": "cost 420.00 USD is above 100 USD",
                    "binding": True,
                },
                {
                    "source": "autonomy",
                    "level": "NOTIFY_ONLY",
                    "reason": "the agent works at notify only for this action type",
                    "binding": False,
                },
            ],
        },
    ]


def test_an_answer_comes_before_the_next_line_is_sent() -> None:
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name in ("first", "second"):
            process.stdin.write(lines({**CASE, "id": name}))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == name
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_bad_lines_are_named_and_the_good_ones_answered() -> None:
    wrong = {
        "id": [],
        "facts": {"colour": 1, "cost_usd": 420, "confidence": "high", "domains": ["pii", "x"]},
        "action_type": {"floor": 3, "side_effects": "no"},
        "profile_level": None,
        "chain": [{"profile_level": "NOTIFY_ONLY"}, {"floor": "LOW"}],
    }
    stdin = b"".join(
        [
            lines(CASE),
            b"nonsense\n",
            lines(wrong),
            b'{"id": "b", "facts": {"confidence": NaN}}\n',
            b'{"id": "b", "facts": {"failures_24h": ' + b"9" * 5000 + b"}}\n",
            b'{"id": "b", "id": "c", "facts": {}}\n',
            b"[" * 10_000 + b"\n",
            b'{"id": "\xff"}\n',
            b" " * 1_000_000 + b"\n",
            b'"' + b"x" * 1_000_000 + b'"\n',
            b"[]\n",
            b"{}\n",
            lines({"id": "s", "facts": {"\x1b[31m": 1}}),
            lines({**CASE, "id": "last"})[:-1],
        ]
    )
    returncode, answers, complaints = run(stdin)
    assert [answer["id"] for answer in answers] == ["a", "last"]
    assert complaints == [
        "line 2: not JSON: Expecting value (line 1, column 1)",
        "line 3: id: must be a string or a whole number",
        "line 3: facts.colour: unknown field",
        'line 3: facts.cost_usd: must be a decimal string such as "420.00"',
        "line 3: facts.confidence: must be a number from 0 to 1",
        "line 3: facts.domains[1]: must be one of financial, pii, regulated",
        f"line 3: action_type.floor: {ONE_LEVEL}",
        "line 3: action_type.side_effects: must be true or false",
        f"line 3: profile_level: {ONE_LEVEL}",
        "line 3: chain[1].profile_level: is required",
        f"line 3: chain[1].floor: {ONE_LEVEL}",
        "line 4: facts.confidence: NaN and Infinity are no JSON numbers",
        "line 5: facts.failures_24h: whole numbers end at 9007199254740991: "
        "send larger ones as strings",
        'line 6: id: the key "id" appears twice',
        "line 7: nested deeper than 32 levels",
        "line 8: not UTF-8 at byte 8",
        "line 10: longer than 262144 bytes",
        "line 11: must be an object",
        "line 12: id: is required",
        "line 12: facts: is required",
        "line 13: facts.\\x1b[31m: unknown field",
        "CommandError: lines refused: 11",
    ]
    assert returncode == 1


def test_many_wrong_fields_are_cut_short() -> None:
    returncode, answers, complaints = run(lines({f"f{n}": n for n in range(1000)}))
    assert (returncode, answers) == (1, [])
    assert len(complaints) == 22
    assert complaints[-2:] == ["line 1: and 982 more", "CommandError: lines refused: 1"]


def test_another_policy(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"high_cost_usd": "19.99"}')
    returncode, answers, complaints = run(lines(CASE), "--policy", str(policy))
    assert (returncode, complaints) == (0, [])
    assert [(a["level"], a["binding"]) for a in answers] == [("HARD_APPROVAL", ["matrix"])]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '{"quorum": 0, "x": 1}',
            ["quorum: must be a whole number from 1 to 100", "x: unknown field"],
        ),
        ("{", ["not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"]),
        (
            '{"rules": [{"name": "night", "when": "now.getHours() >", "level": "HARD_APPROVAL"}]}',
            [
                "rules[0].when: does not compile: "
                "Syntax error: mismatched input '<EOF>' (line 1, column 17)"
            ],
        ),
    ],
)
def test_a_file_that_is_no_policy(tmp_path: Path, text: str, complaint: list[str]) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(text)
    returncode, answers, complaints = run(lines(CASE), "--policy", str(policy))
    assert (returncode, answers) == (1, [])
    assert len(complaints) == 1 + len(complaint)
    assert complaints[0].endswith("policy.json is no policy:")
    assert complaints[1:] == complaint


def test_rules_see_the_action_the_agent_and_the_time_of_a_case(tmp_path: Path) -> None:
    rule = {
        "name": "night refunds",
        "when": "action.type == 'refund.create' && action.arguments.n > 2"
        " && now.getHours('Europe/Madrid') >= 22 && agent.team.endsWith('2')",
        "level": "HARD_APPROVAL",
    }
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"rules": [rule]}))
    asked = {
        "action": {"type": "refund.create", "arguments": {"n": 3}},
        "agent": {
            "id": "00000000-0000-0000-0000-000000000001",
            "team": "00000000-0000-0000-0000-000000000002",
        },
        "now": "2026-07-27T20:00:00Z",
    }
    day = {**asked, "now": "2026-07-27T19:59:59+00:00"}
    cases = [CASE | asked, CASE | day, CASE]
    returncode, answers, complaints = run(lines(*cases), "--policy", str(policy))
    assert (returncode, complaints) == (0, [])
    assert [answer["level"] for answer in answers] == [
        "HARD_APPROVAL",
        "NOTIFY_ONLY",
        "HARD_APPROVAL",
    ]
    rules = [c["reason"] for a in answers for c in a["trace"] if c["source"] == "rules"]
    assert rules == [
        "rule “night refunds”",
        "rule “night refunds” could not be evaluated: a function can't take its value,"
        " or a part of the request is not known",
    ]


def test_what_a_case_says_for_its_rules_is_read_strictly() -> None:
    wrong = {
        "action": {"arguments": [], "kind": 1},
        "agent": {"id": "1"},
        "now": "2026-07-27T20:00:00",
    }
    returncode, answers, complaints = run(lines(CASE | wrong))
    assert (returncode, answers) == (1, [])
    assert complaints == [
        "line 1: action.type: is required",
        "line 1: action.arguments: must be an object",
        "line 1: action.kind: unknown field",
        "line 1: agent.team: is required",
        "line 1: agent.id: must be an id such as 01890a5d-ac96-774b-bcce-b302099a8057",
        'line 1: now: must be a time with its offset, such as "2026-07-27T21:30:00Z"',
        "CommandError: lines refused: 1",
    ]


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    returncode, answers, complaints = run(lines(CASE), "--policy", str(tmp_path / "none"))
    assert (returncode, answers) == (1, [])
    assert len(complaints) == 1
    assert complaints[0].startswith("CommandError: can't read the policy: ")


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(lines(CASE))
        process.stdin.close()
        assert process.wait(timeout=30) == 1
        assert process.stderr.read() == b""
