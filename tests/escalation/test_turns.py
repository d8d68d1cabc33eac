"""Whose turn it is: weekly handovers, overrides of one rotation, and which of several counts."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.escalation.rotation import Absence, Override, Rotation, on_call, present, shifts
from approvals.vocabulary import Handover

ANA, BO, CY = (UUID(int=number) for number in range(1, 4))
PHONE, OTHER = UUID(int=9), UUID(int=8)
# It starts on a Monday; the first handover is on the Thursday after.
THURSDAYS = Rotation(
    PHONE, "phone", (ANA, BO), Handover.WEEKLY, 3, time(9), "UTC", date(2026, 6, 1)
)
BEGIN = datetime(2026, 6, 4, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def test_weekly_turns_begin_on_their_weekday() -> None:
    found = shifts(THURSDAYS, [], [], BEGIN - 2 * DAY, BEGIN + 3 * WEEK)
    assert [(shift.person, shift.begin) for shift in found] == [
        (None, BEGIN - 2 * DAY),
        (ANA, BEGIN),
        (BO, BEGIN + WEEK),
        (ANA, BEGIN + 2 * WEEK),
    ]
    started_that_day = replace(THURSDAYS, starts_on=date(2026, 6, 4))
    assert shifts(started_that_day, [], [], BEGIN, BEGIN + WEEK) == found[1:2]


def test_of_several_overrides_the_last_made_counts_and_none_of_other_rotations() -> None:
    overrides = [
        Override(PHONE, BO, BEGIN + DAY, BEGIN + 4 * DAY),
        Override(PHONE, CY, BEGIN + 2 * DAY, BEGIN + 3 * DAY),
        Override(OTHER, ANA, BEGIN, BEGIN + WEEK),
    ]
    found = shifts(THURSDAYS, overrides, [], BEGIN, BEGIN + WEEK)
    assert [(s.person, s.because, (s.end - s.begin) / DAY) for s in found] == [
        (ANA, "on call by rotation", 1),
        (BO, "takes this turn", 1),
        (CY, "takes this turn", 1),
        (BO, "takes this turn", 1),
        (ANA, "on call by rotation", 3),
    ]


def test_another_reason_is_another_shift() -> None:
    override = Override(PHONE, ANA, BEGIN + DAY, BEGIN + WEEK)
    found = shifts(THURSDAYS, [override], [], BEGIN, BEGIN + WEEK)
    assert [(shift.person, shift.because) for shift in found] == [
        (ANA, "on call by rotation"),
        (ANA, "takes this turn"),
    ]


def test_of_several_absences_the_last_made_says_who_stands_in() -> None:
    absences = [Absence(ANA, BEGIN, BEGIN + WEEK, BO), Absence(ANA, BEGIN, BEGIN + DAY, CY)]
    found = shifts(THURSDAYS, [], absences, BEGIN, BEGIN + WEEK)
    assert [(shift.person, shift.end) for shift in found] == [(CY, BEGIN + DAY), (BO, BEGIN + WEEK)]


def test_spans_on_the_wall_clock_end_once() -> None:
    """02:30 comes twice on that night; what ends at the first of them has ended at the second."""
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    begin = first - timedelta(hours=5)
    first_in_utc = first.astimezone(UTC)
    moments = [
        (first_in_utc + timedelta(minutes=minutes)).astimezone(berlin)
        for minutes in (-1, 0, 59, 60)
    ]
    rotation = replace(THURSDAYS, people=(ANA,))
    override = Override(PHONE, BO, begin, first)
    assert [on_call(rotation, [override], [], at).person for at in moments] == [BO, ANA, ANA, ANA]
    absence = Absence(ANA, begin, first, CY)
    assert [present(ANA, [absence], at) for at in moments] == [CY, ANA, ANA, ANA]
