"""The orders of the queue, and paging through them."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.console.filters import QueueFilter
from approvals.console.queue import load_neighbours, load_queue
from approvals.console.sorting import Place, Sort
from approvals.models import ApprovalRequest
from approvals.services.intake import submit_requests
from approvals.services.intake_sql import Item
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import HARD, make_submission, submit

ROWS = 9
# Few values, so that many rows are equal in them.
VALUES = st.lists(
    st.tuples(
        st.sampled_from([None, 1, 2, 3]),
        st.sampled_from([2, 3]),
        st.sampled_from([None, Decimal("0.00"), Decimal("7.50"), Decimal("420.00")]),
    ),
    min_size=ROWS,
    max_size=ROWS,
)


@pytest.fixture
def rows(house: House) -> list[ApprovalRequest]:
    """Three by three of the same moment."""
    caller, found = authenticate(house.key), []
    for n in range(0, ROWS, 3):
        asked = [make_submission(description=f"Refund {n + m}") for m in range(3)]
        found += submit_requests([Item(caller, submission) for submission in asked])
    made = ApprovalRequest.objects.in_bulk([one.request_id for one in found])
    return [made[one.request_id] for one in found]


def spread(rows: Sequence[ApprovalRequest], values: list[tuple[Any, ...]]) -> None:
    now = database_now()
    for row, (deadline, level, cost) in zip(rows, values, strict=True):
        row.deadline = None if deadline is None else now + timedelta(hours=deadline)
        row.level, row.cost_usd = level, cost
    ApprovalRequest.objects.bulk_update(rows, ["deadline", "level", "cost_usd"])


def last_if_none(value: Any, *, down: bool = False) -> tuple[bool, Any]:
    if value is None:
        return (True, 0)
    number = value if isinstance(value, Decimal) else value.timestamp()
    return (False, -number if down else number)


PLAIN = {
    Sort.DEADLINE: lambda row: (last_if_none(row.deadline), row.id),
    Sort.OLDEST: lambda row: (row.created_at, row.id),
    Sort.NEWEST: lambda row: (-row.created_at.timestamp(), -row.id.int),
    Sort.LEVEL: lambda row: (-row.level, last_if_none(row.deadline), row.id),
    Sort.COST: lambda row: (
        last_if_none(row.cost_usd, down=True),
        last_if_none(row.deadline),
        row.id,
    ),
}


def page_through(user: User, wanted: QueueFilter, size: int) -> list[ApprovalRequest]:
    """Every page behind the other, by the places that stand in the links."""
    found, after = [], None
    while True:
        page = load_queue(user, wanted, after, size=size)
        found += [row.request for row in page.rows]
        if not page.next:
            return found
        after = Place.read(page.next, wanted.sort)
        assert after is not None


@pytest.mark.parametrize("sort", list(Sort))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=VALUES, size=st.integers(1, ROWS))
def test_pages_repeat_and_skip_no_row(
    house: House, rows: list[ApprovalRequest], sort: Sort, values: Any, size: int
) -> None:
    spread(rows, values)
    assert len({row.created_at for row in rows}) == ROWS / 3
    expected = [row.id for row in sorted(rows, key=PLAIN[sort])]
    wanted = QueueFilter(sort=sort)
    assert [row.id for row in page_through(house.ana, wanted, size)] == expected
    here = rows[values.index(values[-1])]
    position = expected.index(here.id)
    before, following = load_neighbours(house.ana, wanted, here)
    around = [str(expected[at]) if 0 <= at < ROWS else "" for at in (position - 1, position + 1)]
    assert [url.rpartition("open=")[2] for url in (before, following)] == around


def test_what_closes_between_two_pages_moves_none(
    house: House, rows: list[ApprovalRequest]
) -> None:
    wanted = QueueFilter(sort=Sort.OLDEST)
    first = load_queue(house.ana, wanted, size=3)
    for row in first.rows[:2]:
        decide(row.request, house.ben, "reject")
    place = Place.read(first.next, Sort.OLDEST)
    second = load_queue(house.ana, wanted, place, size=3)
    rest = sorted(rows, key=PLAIN[Sort.OLDEST])[3:6]
    assert [row.request.id for row in second.rows] == [row.id for row in rest]


@pytest.mark.parametrize(
    ("sort", "words", "order"),
    [
        ("", "by deadline", [0, 2, 1]),
        ("deadline", "by deadline", [0, 2, 1]),
        ("oldest", "oldest first", [0, 1, 2]),
        ("newest", "newest first", [2, 1, 0]),
        ("level", "strictest first", [1, 0, 2]),
        ("cost", "by cost", [1, 0, 2]),
    ],
)
def test_the_order_stands_in_the_address_and_in_the_sentence(
    house: House, ana: Client, sort: str, words: str, order: list[int]
) -> None:
    rows = [submit(house.key), submit(house.key, facts=HARD), submit(house.key)]
    page = read(ana.get("/", {"sort": sort}))
    assert page.rows() == [str(rows[n].id) for n in order]
    assert f"Pending for Payments, {words}" in page.text


def test_the_next_request_is_the_next_of_the_chosen_order(house: House, ana: Client) -> None:
    first, second, third = (submit(house.key, description=f"Refund {n}") for n in range(3))
    form = read(ana.get(f"/?sort=newest&open={second.id}")).form("verdict-approve")
    assert ana.post(form.action, form.fields).headers["Location"] == (
        f"/?sort=newest&open={first.id}"
    )
    form = read(ana.get(f"/?sort=newest&open={first.id}")).form("verdict-approve")
    assert ana.post(form.action, form.fields).headers["Location"] == (
        f"/?sort=newest&open={third.id}"
    )


@pytest.mark.parametrize(
    "place",
    ["", "~", "x~y", "2030-01-01~018f0000-0000-7000-8000-000000000000", "2030-01-01T00:00:00Z~1"],
)
def test_what_is_no_place_begins_at_the_top(house: House, ana: Client, place: str) -> None:
    request = submit(house.key)
    assert read(ana.get("/", {"after": place})).rows() == [str(request.id)]


@pytest.mark.parametrize("text", ["NaN~~", "Infinity~~", "1e99~~", "~~"])
def test_a_cost_that_no_request_has_is_no_place(text: str) -> None:
    identity = "018f0000-0000-7000-8000-000000000000"
    assert (Place.read(f"{text}{identity}", Sort.COST) is None) is (text != "~~")
