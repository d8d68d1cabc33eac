"""A replay through real processes that are killed in the middle, worked off by two people."""

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from approvals.replay.asking import questions
from approvals.replay.mapping import read_mapping
from approvals.replay.transcript import read_episode
from hitlconsole.lib.canonical import canonical_bytes
from hitlconsole.local.paths import ROOT
from hitlconsole.local.stack import Stack
from tests.replay import recordings
from tests.reviewer_browser import Reviewer

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

AIRLINE = ROOT.parent / "shared" / "data" / "airline" / "episodes.jsonl"
EXAMPLE = ROOT / "approvals" / "replay" / "airline.toml"
AGENT = "replayed-agent"
CLOSING = {"approved", "rejected", "cancelled", "timeout", "taken_over"}


@dataclass(frozen=True, slots=True)
class Recording:
    file: Path
    mapping: Path

    def actions(self) -> dict[str, bytes]:
        """The action of each consequential call, by idempotency key."""
        mapping = read_mapping(self.mapping.read_bytes(), name=self.mapping.name)
        return {
            asked.idempotency_key: canonical_bytes(asked.body["action"])
            for number, line in enumerate(self.file.read_bytes().splitlines(), 1)
            for asked in questions(read_episode(line, line_number=number), mapping)
        }


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """The airline's conversations where they are at hand, otherwise enough of our own."""
    if AIRLINE.exists():
        return Recording(AIRLINE, EXAMPLE)
    own = Recording(tmp_path / "visits.jsonl", tmp_path / "library.toml")
    own.file.write_bytes(b"".join(recordings.visit(f"visit-{n}") for n in range(40)))
    own.mapping.write_bytes(recordings.MAPPING)
    return own


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path / "home") as stack:
        yield stack


@contextmanager
def _manage(stack: Stack, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command of manage.py in the console's environment; it never outlives the block."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    with subprocess.Popen(
        command,
        env=stack.env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    return out


def _run(stack: Stack, *arguments: str) -> str:
    with _manage(stack, *arguments) as process:
        return _output(process)


def _rows(stack: Stack, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(stack.env["DATABASE_URL"], row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def _stored(stack: Stack) -> int:
    count: int = _rows(stack, "SELECT count(*) AS n FROM approvals_approvalrequest")[0]["n"]
    return count


def _kill_web(stack: Stack, *, at: int) -> None:
    """SIGKILL to both web processes once so many requests are stored."""
    deadline = time.monotonic() + 60
    while _stored(stack) < at:
        assert time.monotonic() < deadline, "the replay does not get on"
        time.sleep(0.05)
    assert len(stack.kill("web")) > 0


def _review(reviewer: Reviewer, stop: threading.Event, *, from_the_top: bool) -> None:
    """One by one through the queue and again, until the block that they work for ends."""
    while not stop.is_set():
        waiting = reviewer.open_requests()
        for request_id in waiting if from_the_top else reversed(waiting):
            reviewer.work_on(request_id, reject=int(request_id[-1], 16) % 4 == 0)


@contextmanager
def _working(reviewers: list[Reviewer]) -> Iterator[None]:
    """At the same time from both ends of the queue; what goes wrong for one is raised."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(reviewers)) as pool:
        at_work = [
            pool.submit(_review, reviewer, stop, from_the_top=number % 2 == 0)
            for number, reviewer in enumerate(reviewers)
        ]
        try:
            yield
        finally:
            stop.set()
            for work in at_work:
                work.result()


# Without a hold each confirmed decision is one on record.
DECIDE_AT_ONCE = """
INSERT INTO accounts_preferences (user_id, hold_seconds, time_zone, hints)
SELECT id, 0, 'UTC', '{}' FROM accounts_user ON CONFLICT DO NOTHING RETURNING user_id
"""


def _signed_in(stack: Stack, email: str) -> Reviewer:
    reviewer = Reviewer(stack.url)
    reviewer.sign_in(_run(stack, "create_admin", email, "--team", "Support").strip())
    _rows(stack, DECIDE_AT_ONCE)
    return reviewer


def test_nothing_is_lost_or_doubled_when_the_web_is_killed_twice(
    stack: Stack, recording: Recording
) -> None:
    reviewers = [_signed_in(stack, email) for email in ("ana@example.com", "ben@example.com")]
    _run(stack, "create_agent", AGENT, "--team", "Support")
    replay = ("replay", str(recording.file), "--agent", AGENT, "--mapping", str(recording.mapping))
    expected = recording.actions()

    waiting = ("--wait-for-decisions", "--concurrency", "24", "--url", stack.url)
    with _manage(stack, *replay, *waiting) as sending, _working(reviewers):
        _kill_web(stack, at=len(expected) // 4)
        _kill_web(stack, at=len(expected) // 2)
        summary = _output(sending)
    again = _run(stack, *replay, "--url", stack.url)

    assert f"{len(expected)} answered" in summary
    assert f"{len(expected)} answered ({len(expected)} repeats of earlier ones), 0 refused" in again
    requests = _rows(stack, "SELECT * FROM approvals_approvalrequest")
    assert {r["idempotency_key"]: bytes(r["action"]) for r in requests} == expected
    assert len(requests) == len(expected)
    _check_closed_once(stack, requests)
    _check_reviewers(stack, reviewers, len(expected))
    _check_trail(stack, requests)
    for reviewer in reviewers:
        reviewer.http.close()


def _check_closed_once(stack: Stack, requests: list[dict[str, Any]]) -> None:
    assert {(r["resolution"], r["deadline"]) for r in requests} == {("human", None)}
    assert {r["status"] for r in requests} == {"approved", "rejected"}
    closing = _rows(stack, "SELECT request_id FROM approvals_decision WHERE effect = 'closed'")
    assert sorted(d["request_id"] for d in closing) == sorted(r["id"] for r in requests)


def _check_reviewers(stack: Stack, reviewers: list[Reviewer], total: int) -> None:
    """Both worked, each decision was confirmed to its author once, the others heard who won."""
    assert sum(reviewer.decided for reviewer in reviewers) == total
    assert all(reviewer.decided > 0 for reviewer in reviewers)
    late = _rows(stack, "SELECT count(*) AS n FROM approvals_decision WHERE effect = 'late'")
    assert sum(reviewer.conflicts for reviewer in reviewers) == late[0]["n"]


def _check_trail(stack: Stack, requests: list[dict[str, Any]]) -> None:
    """Numbered without gaps from the question on, closed once, and each entry says its columns."""
    trails = defaultdict(list)
    for event in _rows(stack, "SELECT * FROM audit_event ORDER BY stream, stream_seq"):
        trails[event["request_id"]].append(event)
    for request in requests:
        trail = trails[request["id"]]
        assert [event["stream_seq"] for event in trail] == list(range(1, len(trail) + 1))
        assert trail[0]["type"] == "requested"
        closing = [event for event in trail if event["type"] in CLOSING]
        assert [(e["type"], e["reviewer_decision"]) for e in closing] == [
            (request["status"], request["status"])
        ]
        assert [_of_entry(event) for event in trail] == [_of_columns(event) for event in trail]


def _of_columns(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": str(event["event_id"]),
        "stream": event["stream"],
        "stream_seq": event["stream_seq"],
        "event_type": event["type"],
        "request_id": str(event["request_id"]),
        "agent_id": str(event["agent_id"]),
        "action_type": event["action_type"],
        "hitl_level": event["level"],
        "reviewer_decision": event["reviewer_decision"],
    }


def _of_entry(event: dict[str, Any]) -> dict[str, Any]:
    entry = json.loads(bytes(event["entry"]))
    return {name: entry[name] for name in _of_columns(event)}
