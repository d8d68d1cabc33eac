"""When streams end although their readers would stay, and how refusals are told."""

import pytest
from django.contrib.sessions.models import Session

from approvals.live.hub import MOST_STREAMS
from hitlconsole.accounts.models import Membership, User
from hitlconsole.accounts.profile import set_password
from hitlconsole.lib.clock import database_now
from tests.factories import make_reviewer
from tests.live.conftest import Desk, Floor
from tests.live.reader import Reader
from tests.live.test_streams import ask

PLAIN = "text/plain; charset=utf-8"
# A check of every stream's rights, and some patience with a busy machine.
CHECKED = 25.0


@pytest.mark.parametrize(
    ("method", "query", "status"), [("POST", "", 405), ("HEAD", "", 405), ("GET", "?since=1", 400)]
)
def test_what_is_no_question_for_a_stream_is_refused(
    floor: Floor, desk: Desk, method: str, query: str, status: int
) -> None:
    http = floor.sign_in(desk.ana)
    answer = http.request(method, f"/live/{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, PLAIN)
    assert answer.headers.get("allow") == ("GET" if status == 405 else None)


def test_without_a_session_there_is_no_stream(floor: Floor, desk: Desk) -> None:
    http = floor.sign_in(desk.ana)
    http.cookies.set("sessionid", "x" * 32)
    answer = http.get("/live/")
    assert (answer.status_code, answer.headers["x-session"]) == (401, "expired")
    http.cookies.clear()
    assert http.get("/live/").status_code == 401


def test_lost_sessions_accounts_and_rights_are_noticed(floor: Floor, desk: Desk) -> None:
    """One check serves them all."""
    people = [desk.ana, *(make_reviewer(desk.team) for _ in range(4))]
    expired, switched_off, left, unharmed, renewed = (floor.reader(person) for person in people)
    _expire(people[0])
    User.objects.filter(pk=people[1].pk).update(is_active=False)
    Membership.objects.filter(user=people[2]).delete()
    set_password(people[4], "correct horse battery")
    assert expired.wait_for_end(CHECKED) == "signed-out"
    assert switched_off.wait_for_end(CHECKED) == "signed-out"
    assert renewed.wait_for_end(CHECKED) == "signed-out"
    request_id = ask(floor, desk.key)
    assert unharmed.wait_for("change").data == {"requests": [request_id]}
    assert left.heard("change", 1.0) == []


def _expire(person: User) -> None:
    [ours] = [
        session.pk
        for session in Session.objects.all()
        if session.get_decoded().get("_auth_user_id") == str(person.pk)
    ]
    Session.objects.filter(pk=ours).update(expire_date=database_now())


def test_one_person_has_so_many_streams_and_the_oldest_goes(floor: Floor, desk: Desk) -> None:
    http = floor.sign_in(desk.ana)
    first = Reader(http).listening()
    others = [Reader(floor.sign_in(desk.ana)) for _ in range(MOST_STREAMS - 1)]
    assert first.heard("bye", 0.3) == []
    last = Reader(floor.sign_in(desk.ana))
    assert first.wait_for_end() == "too-many"
    request_id = ask(floor, desk.key)
    for reader in (others[0], last):
        while reader.wait_for("change").data["requests"] != [request_id]:
            pass


def test_streams_hold_no_connection_to_the_database(floor: Floor, desk: Desk) -> None:
    """The pool of a web process has twelve."""
    readers = [floor.reader(make_reviewer(desk.team)) for _ in range(30)]
    assert floor.sign_in(desk.ana).get("/").status_code == 200
    request_id = ask(floor, desk.key)
    for reader in readers:
        assert reader.wait_for("change").data == {"requests": [request_id]}
