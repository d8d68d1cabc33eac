"""Rotations under arbitrary handovers, zones, overrides and absences."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from approvals.escalation.rotation import Absence, Override, Rotation, on_call, shifts
from approvals.vocabulary import Handover

PEOPLE = tuple(UUID(int=number) for number in range(1, 6))
PHONE = UUID(int=99)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

moments = st.integers(0, 400 * 86_400).map(lambda s: BEGIN + timedelta(seconds=s))
spans = st.tuples(moments, st.integers(60, 30 * 86_400)).map(
    lambda pair: (pair[0], pair[0] + timedelta(seconds=pair[1]))
)
rotations = st.builds(
    Rotation,
    id=st.just(PHONE),
    name=st.just("phone"),
    people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True).map(tuple),
    handover=st.sampled_from(Handover),
    weekday=st.integers(0, 6),
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    timezone=st.sampled_from(ZONES),
    starts_on=st.dates(date(2025, 1, 1), date(2026, 6, 1)),
)
overrides = st.lists(
    st.builds(lambda span, person: Override(PHONE, person, *span), spans, st.sampled_from(PEOPLE)),
    max_size=3,
)
absences = st.lists(
    st.builds(
        lambda span, person, instead: Absence(person, span[0], span[1], instead),
        spans,
        st.sampled_from(PEOPLE),
        st.none() | st.sampled_from(PEOPLE),
    ),
    max_size=4,
)


@given(rotations, overrides, absences, spans)
def test_shifts_tile_the_time_and_agree_with_who_is_on_call(
    rotation: Rotation,
    overrides: list[Override],
    absences: list[Absence],
    span: tuple[datetime, datetime],
) -> None:
    begin, end = span
    found = shifts(rotation, overrides, absences, begin, end)
    assert (found[0].begin, found[-1].end) == (begin, end)
    for before, after in pairwise(found):
        assert before.end == after.begin
        assert (before.person, before.because) != (after.person, after.because)
    for shift in found:
        last = shift.end - timedelta(seconds=1)
        for moment in (shift.begin, shift.begin + (shift.end - shift.begin) / 2, last):
            if shift.begin <= moment < shift.end:
                assert on_call(rotation, overrides, absences, moment).person == shift.person


@given(rotations, st.integers(0, 200))
def test_everybody_has_the_same_number_of_turns(rotation: Rotation, turn: int) -> None:
    """Over as many turns as there are people, from any turn on, in whatever zone."""
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    for _ in range(turn % 10):
        moment = on_call(rotation, [], [], moment).until
    counted: Counter[UUID | None] = Counter()
    moment = on_call(rotation, [], [], moment).until
    for _ in range(2 * len(rotation.people)):
        now = on_call(rotation, [], [], moment)
        counted[now.person] += 1
        moment = now.until
    assert counted == Counter(dict.fromkeys(rotation.people, 2))


@given(rotations, st.integers(0, 60))
def test_turns_are_as_long_as_the_days_are(rotation: Rotation, days: int) -> None:
    """A day or a week, give or take the hour of a change to or from daylight saving time."""
    now = on_call(rotation, [], [], datetime(2026, 7, 1, tzinfo=UTC) + timedelta(days=days))
    following = on_call(rotation, [], [], now.until)
    expected = timedelta(days=1 if rotation.handover is Handover.DAILY else 7)
    assert abs((following.until - now.until) - expected) <= timedelta(hours=1)


def test_a_cycle_of_substitutes_leaves_nobody() -> None:
    first, second = PEOPLE[:2]
    rotation = Rotation(
        PHONE, "phone", (first,), Handover.DAILY, 0, time(9), "UTC", date(2026, 1, 1)
    )
    away = [
        Absence(one, BEGIN, BEGIN + timedelta(days=9), other)
        for one, other in ((first, second), (second, first))
    ]
    now = on_call(rotation, [], away, BEGIN + timedelta(days=2))
    assert (now.person, now.because) == (None, "who is on call is away, and nobody stands in")
    empty = Rotation(PHONE, "phone", (), Handover.DAILY, 0, time(9), "UTC", date(2026, 1, 1))
    assert on_call(empty, [], [], BEGIN + timedelta(days=2)).because == "nobody is in the rotation"
    early = on_call(rotation, [], [], BEGIN - timedelta(days=2))
    assert early.because == "the rotation has not started"
