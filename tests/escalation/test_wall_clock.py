"""Wall clocks that jump: handovers and quiet hours where a time is missing or comes twice."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from approvals.escalation.policy import QuietHours, quiet_until
from approvals.escalation.rotation import Rotation, instant, on_call, shifts
from approvals.vocabulary import Handover

PEOPLE = (UUID(int=1), UUID(int=2))


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        pytest.param((2026, 6, 10), (9, 0), "Europe/Berlin", "2026-06-10T07:00", id="plain"),
        pytest.param((2027, 3, 28), (2, 0), "Europe/Berlin", "2027-03-28T01:00", id="gap begins"),
        pytest.param((2027, 3, 28), (2, 59), "Europe/Berlin", "2027-03-28T01:00", id="in the gap"),
        pytest.param((2027, 3, 28), (3, 0), "Europe/Berlin", "2027-03-28T01:00", id="gap ends"),
        pytest.param((2026, 10, 25), (1, 59), "Europe/Berlin", "2026-10-24T23:59", id="before"),
        pytest.param((2026, 10, 25), (2, 30), "Europe/Berlin", "2026-10-25T00:30", id="twice"),
        pytest.param((2026, 10, 25), (3, 0), "Europe/Berlin", "2026-10-25T02:00", id="after"),
        pytest.param(
            (2026, 10, 4), (2, 15), "Australia/Lord_Howe", "2026-10-03T15:30", id="half an hour"
        ),
        pytest.param((2011, 12, 30), (9, 0), "Pacific/Apia", "2011-12-30T10:00", id="no such day"),
    ],
)
def test_moment_of_a_wall_clock_time(
    day: tuple[int, int, int], at: tuple[int, int], zone: str, expected: str
) -> None:
    moment = instant(date(*day), time(*at), zone)
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2027, 3, 27), [24, 23, 24], id="forward"),
        pytest.param(date(2026, 10, 24), [24, 25, 24], id="back"),
    ],
)
def test_turns_on_the_days_of_the_change(day: date, hours: list[int]) -> None:
    rotation = Rotation(
        UUID(int=9), "phone", PEOPLE, Handover.DAILY, 0, time(0), "Europe/Berlin", day
    )
    begin = instant(day, time(0), "Europe/Berlin")
    found = shifts(rotation, [], [], begin, begin + timedelta(hours=sum(hours)))
    assert [(shift.end - shift.begin) / timedelta(hours=1) for shift in found] == hours
    assert [shift.person for shift in found] == [PEOPLE[0], PEOPLE[1], PEOPLE[0]]


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    """Who asks on the wall clock says with `fold` which of them is meant."""
    rotation = Rotation(
        UUID(int=9),
        "phone",
        PEOPLE,
        Handover.DAILY,
        0,
        time(2, 30),
        "Europe/Berlin",
        date(2026, 10, 24),
    )
    first = datetime(2026, 10, 25, 2, 29, tzinfo=ZoneInfo("Europe/Berlin"))
    assert on_call(rotation, [], [], first).person == PEOPLE[0]
    assert on_call(rotation, [], [], first.replace(fold=1)).person == PEOPLE[1]


NIGHTS = QuietHours(time(22), time(7), "Europe/Berlin", frozenset({4}))  # that begin on Fridays
LUNCH = QuietHours(time(12), time(13), "Europe/Berlin")


@pytest.mark.parametrize(
    ("quiet", "moment", "until"),
    [
        (NIGHTS, "2026-06-12T19:59:59", None),
        (NIGHTS, "2026-06-12T20:00:00", "2026-06-13T05:00:00"),
        (NIGHTS, "2026-06-13T04:59:59", "2026-06-13T05:00:00"),
        (NIGHTS, "2026-06-13T05:00:00", None),
        (NIGHTS, "2026-06-13T20:00:00", None),
        (LUNCH, "2026-06-13T10:30:00", "2026-06-13T11:00:00"),
        (LUNCH, "2026-06-13T11:00:00", None),
    ],
)
def test_quiet_hours(quiet: QuietHours, moment: str, until: str | None) -> None:
    """Of the weekday on which they begin, from their first moment to before their last."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    expected = until and datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert quiet_until(quiet, at) == expected
    assert quiet_until(quiet, at.astimezone(ZoneInfo("Asia/Tokyo"))) == expected


def test_a_quiet_night_is_as_long_as_the_night() -> None:
    every_night = QuietHours(time(22), time(7), "Europe/Berlin")
    for evening, hours in (
        (datetime(2027, 3, 27, 21, tzinfo=UTC), 8),
        (datetime(2026, 10, 24, 20, tzinfo=UTC), 10),
    ):
        assert quiet_until(every_night, evening) == evening + timedelta(hours=hours)
