"""The benchmarks, run for a moment: they come to an end, and their counts agree. No time is held
against anything here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hitlconsole.local.paths import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
HERE = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}


def _figures(folder: Path, name: str, *arguments: str) -> dict:
    file = folder / "figures.json"
    command = [sys.executable, "-P", "-m", f"bench.{name}", *arguments, "--json", str(file)]
    done = subprocess.run(
        [*command, "--repeats", "1", "--seconds", "1"],
        env=HERE,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Medians of 1 runs of 1 s" in done.stdout
    figures: dict = json.loads(file.read_text())
    return figures


def test_every_submission_that_was_answered_is_stored(tmp_path: Path) -> None:
    figures = _figures(tmp_path, "ingest", "--connections", "1")
    counts = {run["side"]: run["repeats"][0]["count"] for run in figures["runs"]}
    assert list(counts) == ["console", "pgbench, one statement", "pgbench, separate statements"]
    assert min(counts.values()) > 0
    # Nine were asked before, to make the agents' profiles and the model for the other side.
    assert figures["rows"] == dict.fromkeys(
        ("answers", "requests", "evaluations", "deliveries", "events"), counts["console"] + 9
    )


def test_who_waits_is_woken_by_the_decision_alone(tmp_path: Path) -> None:
    figures = _figures(tmp_path, "wake", "--connections", "2")
    (run,) = figures["runs"]
    assert run["waiters"] == 2
    assert len(run["woken"]) > 0
    assert all(woken["since_begin"] > woken["since_commit"] for woken in run["woken"])


def test_every_open_page_is_told_of_a_decision(tmp_path: Path) -> None:
    figures = _figures(tmp_path, "live", "--connections", "3")
    (run,) = figures["runs"]
    assert run["streams"] == 3
    assert len(run["told"]) > 0
    assert all(0 < told["first"] <= told["last"] for told in run["told"])


def test_every_page_is_measured_as_the_history_grows(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    options = ["--requests", "300,600", "--open", "200", "--times", "2", "--json", str(file)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench.queue", *options],
        env=HERE,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())["requests"]
    assert list(figures) == ["300", "600"]
    for pages in figures.values():
        assert {"queue", "what changed", "history, one order", "one request"} < pages.keys()
        assert all(0 < one["p50_ms"] <= one["p95_ms"] <= one["most_ms"] for one in pages.values())


def test_every_command_knows_its_benchmark() -> None:
    commands = sorted(
        one.name for one in (ROOT / "bench").iterdir() if os.access(one, os.X_OK) and one.is_file()
    )
    run = subprocess.run(
        [sys.executable, "-P", "-m", "bench", "nothing"],
        cwd=ROOT,
        env=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == f"error: the benchmarks are {', '.join(commands)}\n"
    assert all((ROOT / "bench" / f"{name}.py").is_file() for name in commands)
