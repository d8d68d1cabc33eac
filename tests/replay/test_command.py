"""What the command refuses before it sends anything."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hitlconsole.accounts.models import ApiKey
from tests.factories import make_agent, make_team
from tests.replay import recordings

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "visits.jsonl"
    file.write_bytes(recordings.visit())
    return file


def _replay(file: Path, **options: Any) -> None:
    call_command("replay", str(file), **({"agent": "clerk"} | options))


def test_an_unknown_agent_is_named_with_those_there_are(file: Path) -> None:
    with pytest.raises(CommandError, match=r"no agent named 'clerk' \(known: none yet\)"):
        _replay(file)
    make_agent(make_team(), "librarian")
    with pytest.raises(CommandError, match=r"no agent named 'clerk' \(known: librarian\)"):
        _replay(file)


def test_files_that_cannot_be_used_are_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"the transcripts cannot be read: .*nowhere"):
        _replay(tmp_path / "nowhere")
    with pytest.raises(CommandError, match=r"the mapping cannot be read: .*nowhere"):
        _replay(file, mapping=tmp_path / "nowhere")
    with pytest.raises(CommandError, match=r"the mapping cannot be used: visits.jsonl: "):
        _replay(file, mapping=file)
    with pytest.raises(CommandError, match=r"the key cannot be read: .*nowhere"):
        _replay(file, key_file=tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(CommandError, match="empty holds no key"):
        _replay(file, key_file=empty)


@pytest.mark.parametrize("rate", ["0", "-1", "fast", "nan"])
def test_a_rate_is_a_number_above_0(file: Path, rate: str) -> None:
    with pytest.raises(CommandError, match="argument --rate: "):
        call_command("replay", str(file), "--agent", "clerk", "--rate", rate)


def test_a_key_made_for_a_replay_ends_with_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    """Also where the replay fails: nobody listens there, and patience ends at once."""
    make_agent(make_team(), "clerk")
    before = set(ApiKey.objects.values_list("id", flat=True))
    monkeypatch.setattr("approvals.management.commands.replay.PATIENCE", 0.0)
    with pytest.raises(CommandError, match="refuses: GET /agents/me: "):
        _replay(file, url=f"http://127.0.0.1:{unused_tcp_port}")

    [made] = ApiKey.objects.exclude(id__in=before)
    assert made.revoked_at is not None
