"""The simulated agents against a console with real processes, six times as fast as shown."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from hitlconsole.local.paths import ROOT
from hitlconsole.local.process import spawn
from hitlconsole.local.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PACE = "6"
REQUESTS = """
SELECT r.*, a.name AS agent, r.resume_state->>'scene' AS scene
FROM approvals_approvalrequest r JOIN accounts_agent a ON a.id = r.agent_id
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("fleet") / "home") as stack:
        _run(stack, "demo_seed")
        yield stack


def _run(stack: Stack, *arguments: str) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    subprocess.run(command, env=stack.env, cwd=ROOT, check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Fleet:
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def stop(self) -> str:
        """SIGTERM ends it in order and soon (this machine may be busy); what it said."""
        self.process.terminate()
        assert self.process.wait(timeout=5) == 0
        return self.said


@pytest.fixture
def start_fleet(stack: Stack, tmp_path: Path) -> Iterator[Callable[[], Fleet]]:
    started: list[Fleet] = []

    def start() -> Fleet:
        command = [sys.executable, str(ROOT / "manage.py"), "demo_agents"]
        options = ["--url", stack.url, "--pace", PACE, "--seed", "1"]
        log = tmp_path / f"fleet-{len(started)}.log"
        with log.open("wb") as output:
            # Ends with us, also where we are killed: then no fixture gets to it.
            process = spawn([*command, *options], env=stack.env, cwd=ROOT, output=output)
        started.append(Fleet(process, log))
        return started[-1]

    yield start
    for fleet in started:
        fleet.process.kill()
        fleet.process.wait()


def _rows(stack: Stack, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(stack.env["DATABASE_URL"], row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def _scenes(stack: Stack) -> dict[str, list[dict[str, Any]]]:
    """The requests of each scene, oldest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for request in _rows(stack, f"{REQUESTS} ORDER BY r.created_at"):
        found.setdefault(request["scene"], []).append(request)
    return found


def _until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.2)


def _opened(stack: Stack) -> bool:
    """The opening is over when its last parts have happened."""
    scenes = _scenes(stack)
    withdrawn = scenes.get("restart_withdrawn", [])
    mail = scenes.get("delay_notice", [])
    refund = scenes.get("goodwill_too_high", [])
    asked = _rows(stack, "SELECT 1 FROM approvals_message WHERE kind = 'answer'")
    voted = _rows(stack, "SELECT 1 FROM approvals_decision WHERE effect = 'vote'")
    return bool(
        withdrawn
        and withdrawn[0]["status"] == "cancelled"
        and mail
        and mail[0]["execution"] == "reported"
        and len(refund) == 2
        and asked
        and voted
        and "calendar_entry" in scenes
    )


def test_the_opening_shows_every_kind_of_case_and_survives_restarts(
    stack: Stack, start_fleet: Callable[[], Fleet]
) -> None:
    first = start_fleet()
    # The console comes and goes: the agents sit it out and ask nothing twice.
    _until(lambda: len(_rows(stack, REQUESTS)) >= 8)
    stack.kill("web")
    _until(lambda: _opened(stack))
    said = first.stop()

    scenes = _scenes(stack)
    states = {
        name: (requests[0]["level"], requests[0]["status"])
        for name, requests in scenes.items()
        if name in ("wrong_recipients", "overwritten_record", "double_charge", "delete_rows")
    }
    assert states == {
        "wrong_recipients": (3, "pending"),
        "overwritten_record": (3, "pending"),
        "double_charge": (3, "pending"),
        "delete_rows": (3, "pending"),
    }
    _check_adjusted(scenes["goodwill_too_high"])
    _check_answered(stack, scenes["refund_with_a_question"][0])
    [taken] = scenes["contradicting_sources"]
    assert (taken["level"], taken["status"]) == (4, "taken_over")
    assert {r["level"] for r in _rows(stack, REQUESTS)} == {0, 1, 2, 3, 4}
    opened = Counter(r["status"] for r in _rows(stack, REQUESTS))
    assert opened["pending"] + opened["escalated"] >= 8
    assert "has no answer from the console and tries again" in said
    assert "double_charge" not in said
    assert "billing-bot   charge.create" in said

    _check_resumed(stack, start_fleet(), scenes)


def _check_adjusted(requests: list[dict[str, Any]]) -> None:
    refused, again = requests
    assert (refused["status"], again["status"]) == ("rejected", "pending")
    assert again["previous_id"] == refused["id"]
    assert again["cost_usd"] < refused["cost_usd"]


def _check_answered(stack: Stack, request: dict[str, Any]) -> None:
    thread = _rows(
        stack,
        "SELECT kind, request_id FROM approvals_message WHERE kind <> 'evidence' ORDER BY at",
    )
    assert [(m["kind"], m["request_id"]) for m in thread] == [
        ("question", request["id"]),
        ("answer", request["id"]),
    ]
    assert request["status"] == "pending"


def _check_resumed(stack: Stack, second: Fleet, before: dict[str, list[dict[str, Any]]]) -> None:
    """Another process goes on with the open questions instead of asking them again."""
    open_before = sum(found[-1]["status"] == "pending" for found in before.values())
    _until(lambda: second.said.count("goes on →") >= open_before)
    second.stop()
    scenes = _scenes(stack)
    waiting = [name for name, found in before.items() if found[0]["status"] == "pending"]
    assert {n: len(scenes[n]) for n in waiting} == {n: len(before[n]) for n in waiting}
