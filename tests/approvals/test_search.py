"""What a search finds, and that the database looks it up instead of reading through everything."""

import re

import pytest
from django.db import connection, connections
from django.db.models import F, QuerySet

from approvals import search
from approvals.access import visible_requests
from approvals.models import OPEN_VALUES, ApprovalRequest
from approvals.search import Search, bounded_search, find_requests, search_all, search_open
from hitlconsole.accounts.models import Team, User
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide
from tests.factories import make_admin, make_agent, make_reviewer, make_team, submit


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


@pytest.fixture
def key(team: Team) -> str:
    return make_agent(team, "support-bot")[1]


@pytest.fixture
def admin(db: None) -> User:
    return make_admin()


def found(user: User, text: str) -> list[str]:
    """By all three doors, which have to agree where everything is open."""
    seen = visible_requests(user)
    everywhere = [one.description for one in find_requests(user, text, 50)]
    history = seen.filter(search_all(text)).order_by("-id")
    waiting = seen.filter(search_open(text), status__in=OPEN_VALUES).order_by("-id")
    assert list(history.values_list("description", flat=True)) == everywhere
    assert list(waiting.values_list("description", flat=True)) == everywhere
    return everywhere


PARCEL = "Refund the parcel of Zoë"


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("parcel", True),
        ("PARCEL refund", True),
        ("arce", True),
        ("parcel missing", False),
        ("support-bot", True),
        ("support-bot parcel", True),
        ("bot missing", False),
        ("refund.create", True),
        ("ORD-1009-x", True),
        ("1009", True),
        ("mia@example.com", True),
        ("$420.00", True),
        ("(parcel),", True),
        ("order", True),
        ("arguments", False),
        ("second", True),
        ("hi", True),
        ("ord mi", True),
        ("of", True),
        ("el", False),
        ("7", True),
        ("8", False),
        ("zoë", True),
        ("退款", True),
        ("退单", False),
        ('second "hi"', True),
        ("a\\b", True),
        ("a_b", False),
        ("par%l", False),
        ("%", False),
        ("— “", False),
        ("\x00parcel\x00", True),
        ("\u202eparcel", False),
        ("';--", False),
    ],
)
def test_words_are_found_wherever_they_stand(admin: User, key: str, text: str, hits: bool) -> None:
    arguments = {
        "order": "ORD-1009-X",
        "to": "Mia@example.com",
        "amount": "420.00",
        "count": 7,
        "note": 'first\nsecond "Hi" a\\b 请退款 100%',
    }
    submit(key, description=PARCEL, arguments=arguments)
    assert found(admin, text) == ([PARCEL] if hits else [])


def test_a_request_is_found_by_its_id_and_the_beginning_of_it(admin: User, key: str) -> None:
    request = submit(key, description="This one")
    identity = str(request.id)
    for text in (
        identity,
        identity.upper(),
        identity.replace("-", ""),
        identity[:8],
        identity[:20],
    ):
        assert found(admin, text) == ["This one"]
    assert found(admin, identity[:7]) == []
    assert found(admin, identity[:-1] + ("0" if identity[-1] != "0" else "1")) == []


def test_the_newest_come_first_and_no_more_than_asked_for(admin: User, key: str) -> None:
    for n in range(4):
        submit(key, description=f"Refund {n}")
    assert [one.description for one in find_requests(admin, "refund", 3)] == [
        "Refund 3",
        "Refund 2",
        "Refund 1",
    ]


def test_what_is_closed_is_in_the_history_alone(admin: User, team: Team, key: str) -> None:
    request = submit(key, description="To be rejected")
    decide(request, make_reviewer(team), "reject")
    submit(key, description="To be rejected, too")
    seen = visible_requests(admin).order_by("id").values_list("description", flat=True)
    assert list(seen.filter(search_all("rejected"))) == ["To be rejected", "To be rejected, too"]
    assert list(seen.filter(search_open("rejected"))) == ["To be rejected, too"]


def test_nobody_finds_what_they_may_not_see(key: str) -> None:
    submit(key, description="Of payments")
    stranger = make_reviewer(make_team("Support"))
    assert found(stranger, "payments") == []


def test_what_stands_behind_the_first_16_kb_is_not_searched(admin: User, key: str) -> None:
    note = f"{'x' * 10_000} near {'x' * 10_000} far"
    submit(key, description="Long", arguments={"note": note})
    assert (found(admin, "near"), found(admin, "far")) == (["Long"], [])


def test_more_than_is_looked_for_is_cut_and_said() -> None:
    assert Search.read(" a  b ") == Search(["a", "b"], cut=False)
    assert Search.read("a " * 10) == Search(["a"] * 10, cut=False)
    assert Search.read("a " * 11) == Search(["a"] * 10, cut=True)
    assert Search.read("x" * 200) == Search(["x" * 200], cut=False)
    assert Search.read("x" * 10_000) == Search(["x" * 200], cut=True)


def test_a_search_that_takes_too_long_is_refused(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_MS", 20)
    with pytest.raises(Problem, match="takes too long") as refused, bounded_search():
        connection.cursor().execute("SELECT pg_sleep(10)")
    assert refused.value.code == "unavailable"


# Copies of a request in the database, of which every twentieth stays open.
COPIES = """
INSERT INTO approvals_approvalrequest ({columns})
SELECT {values} FROM approvals_approvalrequest, generate_series(1, 20000) AS row (n)
"""
DIFFERENT = {
    "id": "gen_random_uuid()",
    "description": "'Refund order ORD-' || 100000 + n",
    "idempotency_key": "NULL",
    "status": "CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'approved' END",
    "resolution": "CASE WHEN n % 20 > 0 THEN 'automatic' END",
    "execution": "CASE WHEN n % 20 > 0 THEN 'available' END",
    "closed_at": "CASE WHEN n % 20 > 0 THEN created_at END",
}


def _copy_requests() -> None:
    columns = [field.column for field in ApprovalRequest._meta.concrete_fields]
    values = ", ".join(DIFFERENT.get(name, name) for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(COPIES.format(columns=", ".join(columns), values=values))
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE approvals_approvalrequest")


def _indexes(rows: QuerySet[ApprovalRequest]) -> set[str]:
    """What the plan reads requests by."""
    return set(re.findall(r"(request_\w+|approvals_approvalrequest_pkey|Seq Scan)", _plan(rows)))


def _plan(rows: QuerySet[ApprovalRequest]) -> str:
    """The lines that say what is scanned, without conditions."""
    lines = rows.explain().splitlines()
    return "\n".join(line for line in lines if "Scan" in line and "accounts_" not in line)


@pytest.mark.skipif("owner" not in connections, reason="only the owner can gather statistics")
def test_the_database_looks_it_up_whoever_asks(committed_db: str) -> None:
    team = make_team()
    reviewer, admin = make_reviewer(team), make_admin()
    _, key = make_agent(team)
    submit(key)
    _copy_requests()
    both = {"request_search_open", "request_search_closed"}
    for user in (reviewer, admin):
        seen = visible_requests(user)
        history = seen.order_by("-id")
        assert _indexes(history.filter(search_all("ORD-112345"))[:51]) == both
        assert _indexes(history.filter(search_all("112345 refund"))[:51]) == both
        # Most have it: the newest are read until there are enough.
        assert _indexes(history.filter(search_all("refund"))[:51]) == {
            "approvals_approvalrequest_pkey"
        }
        waiting = seen.filter(search_open("112340"), status__in=OPEN_VALUES)
        queue = waiting.order_by("deadline", "id")[:51]
        assert "request_search_open" in _indexes(queue)
        assert "Seq Scan" not in _indexes(queue)
        assert [one.description for one in queue] == ["Refund order ORD-112340"]


@pytest.mark.skipif("owner" not in connections, reason="only the owner can gather statistics")
def test_the_queue_is_read_in_the_order_of_an_index(committed_db: str) -> None:
    team = make_team()
    reviewer, admin = make_reviewer(team), make_admin()
    submit(make_agent(team)[1])
    _copy_requests()
    for user in (reviewer, admin):
        waiting = visible_requests(user).filter(status__in=OPEN_VALUES)
        queue = waiting.order_by(F("deadline").asc(nulls_last=True), "id")[:51]
        assert _indexes(queue) == {"request_due"}
        assert "Sort" not in queue.explain()
