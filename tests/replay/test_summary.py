from collections import Counter

import pytest

from approvals.replay.mapping import read_mapping
from approvals.replay.progress import progress_words
from approvals.replay.sending import Options, Reader
from approvals.replay.summary import Tally, percentile, summary
from tests.replay import recordings


def test_the_summary_is_a_table_of_levels_and_statuses() -> None:
    tally = Tally(
        episodes=3,
        tool_calls=1200,
        consequential=12,
        takeovers_skipped=2,
        replayed=4,
        answers=Counter({("HARD_APPROVAL", "pending"): 9, ("FULL_AUTO", "approved"): 2}),
        problems=Counter({"agent_read_only: taken over": 1}),
        bad_lines=[(7, "not JSON")],
        submitting=[0.004, 0.01, 1.5],
        elapsed=2.0,
    )
    assert summary(tally).splitlines() == [
        "Episodes   3, 1,200 tool calls, 12 of them consequential, 2 hand-overs skipped",
        "Requests   11 answered (4 repeats of earlier ones), 1 refused or failed",
        "Time       2.0 s, 5.5 requests/s",
        "",
        "Level          pending  approved  total",
        "─────────────  ───────  ────────  ─────",
        "HARD_APPROVAL        9         ·      9",
        "FULL_AUTO            ·         2      2",
        "total                9         2     11",
        "",
        "Time           p50    p99    max",
        "─────────  ───────  ─────  ─────",
        "to submit  10.0 ms  1.5 s  1.5 s",
        "",
        "1 × agent_read_only: taken over",
        "line 7: not JSON",
    ]
    assert not tally.is_clean


def test_a_replay_of_nothing_has_a_summary_too() -> None:
    assert summary(Tally()).splitlines() == [
        "Episodes   0, 0 tool calls, 0 of them consequential",
        "Requests   0 answered (0 repeats of earlier ones), 0 refused or failed",
        "Time       0.0 s, 0.0 requests/s",
    ]


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_a_value_that_occurred(percent: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


def _reader(*lines: bytes) -> Reader:
    return Reader(lines, Options(read_mapping(recordings.MAPPING, name="library.toml")), Tally())


def test_a_reader_counts_what_it_reads_and_names_what_it_cannot() -> None:
    unknown = recordings.line("odd", recordings.asks(recordings.call("burn_books", {})))
    reader = _reader(recordings.visit(), b"\n", b"{\n", unknown, recordings.visit())

    assert [asked.place for asked in reader] == ["3.0", "5.0", "5.1"]
    tally = reader.tally
    assert (tally.episodes, tally.tool_calls, tally.consequential, tally.takeovers_skipped) == (
        1,
        5,
        3,
        1,
    )
    [first, *others] = tally.bad_lines
    assert first[0] == 3
    assert first[1].startswith("not JSON: ")
    assert others == [
        (4, "not in the mapping: burn_books"),
        (5, "the episode 'visit-1' is on line 1 already"),
    ]


def test_progress_is_said_in_a_line() -> None:
    reader = _reader()
    reader.line_number = 5
    reader.tally.answers["FULL_AUTO", "approved"] = 30
    reader.tally.problems["x"] = 1
    reader.tally.elapsed = 3.0

    words = "line 5 of 10, 30 requests answered (10/s), 1 failed"
    assert progress_words(reader, 10, bar=False) == words
    assert progress_words(reader, 10, bar=True) == f"{'█' * 14}{'░' * 14} {words}"
    assert progress_words(reader, None, bar=True) == words.replace(" of 10", "")
