from datetime import UTC, datetime, timedelta

import pytest

from approvals.vocabulary import Status
from autonomy.vocabulary import Level
from hitlconsole.ui import formats
from hitlconsole.ui.words import LEVELS, STATES, initials, level_look

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("420.00", "420 USD"),
        (4200, "4,200 USD"),
        ("4200.5", "4,200.50 USD"),
        ("0", "0 USD"),
        ("0.001", "0.001 USD"),
        ("1E+3", "1,000 USD"),
        (None, "unknown"),
        ("NaN", "unknown"),
    ],
)
def test_money(amount: object, words: str) -> None:
    assert formats.money(amount) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (192, "3 min 12 s"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
        (-5, "0 s"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert formats.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words", "urgency"),
    [
        (0, "time is up", "up"),
        (-9, "time is up", "up"),
        (41, "00:41", "now"),
        (60, "01:00", "soon"),
        (300, "05:00", "calm"),
        (3900, "1 h 05 m", "calm"),
        (100_800, "1 d 4 h", "calm"),
    ],
)
def test_remaining(seconds: int, words: str, urgency: str) -> None:
    assert formats.remaining(after(seconds), NOW) == words
    assert formats.urgency(after(seconds), NOW) == urgency


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "0 s"), (12, "12 s"), (360, "6 m"), (7200, "2 h"), (180_000, "2 d")]
)
def test_age(seconds: int, words: str) -> None:
    assert formats.age(NOW, after(seconds)) == words


def test_every_level_has_its_look() -> None:
    assert [(look.value, look.code) for look in LEVELS] == [(int(one), one.name) for one in Level]
    assert [sum(look.bars) for look in LEVELS] == [1, 2, 3, 4, 5]
    assert [level_look(look.code) for look in LEVELS] == list(LEVELS)
    with pytest.raises(ValueError, match="no such level"):
        level_look(-1)


def test_every_status_has_a_look_of_its_own() -> None:
    looks = [STATES[status.value] for status in Status]
    assert len(looks) == 8
    for part in ("label", "tone", "icon"):
        closed = [getattr(STATES[name], part) for name in ("expired", "rejected", "cancelled")]
        assert len(set(closed)) == 3
    assert len({look.label for look in looks}) == 8


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Lima", "AL"), ("bo.day@example.com", "BD"), ("Ana Maria Lima", "AM"), ("", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
