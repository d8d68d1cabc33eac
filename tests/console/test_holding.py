"""Held verdicts through the pages: what is sent twice, undone, cancelled, or makes no sense."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import ApprovalRequest, Decision, EvidenceLook, Hold, Notice
from approvals.services.deadlines import sweep_holds
from approvals.services.exchange import post_message
from hitlconsole.accounts.models import Membership, Preferences, Team, User
from tests.approvals.helpers import trail
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.factories import HARD, make_action_type, make_agent, make_team, submit

Advance = Callable[..., None]


@pytest.fixture
def ana(house: House, as_person: Callable[[User], Client]) -> Client:
    client = as_person(house.ana)
    Preferences.objects.filter(user=house.ana).update(hold_seconds=5)
    return client


def open_page(client: Client, request: ApprovalRequest) -> Page:
    client.get(reverse("console:evidence", args=[request.id]))
    return read(client.get(reverse("console:request", args=[request.id])))


def send(client: Client, page: Page, which: str, **typed: str) -> Any:
    form = page.form(f"verdict-{which}")
    return client.post(form.action, form.fields | typed)


def undo(client: Client, request: ApprovalRequest) -> Any:
    return client.post(reverse("console:undo", args=[request.id]))


def undo_all(client: Client, **fields: str) -> Any:
    return client.post(reverse("console:undo-all"), fields, follow=True)


def status(request: ApprovalRequest) -> str:
    request.refresh_from_db()
    return request.status


def ends() -> list[str | None]:
    return list(Hold.objects.order_by("given_at").values_list("end", flat=True))


def test_a_page_from_before_does_not_swallow_another_verdict(house: House, ana: Client) -> None:
    """With the browser's Back, the form of a verdict comes again, with its token."""
    request = submit(house.key)
    page = open_page(ana, request)
    assert send(ana, page, "approve").status_code == 302
    answer = send(ana, page, "reject", notes="On second thoughts, no")
    assert answer.status_code == 409
    assert "You are approving this: undo that first" in read(answer).text
    assert ends() == [None]


def test_a_veto_from_a_page_from_before_is_not_lost(
    house: House, ana: Client, advance_clock: Advance
) -> None:
    make_action_type("refund.create", quorum=2)
    request = submit(house.key)
    page = open_page(ana, request)
    send(ana, page, "approve", checked="yes")
    advance_clock(seconds=6)
    assert sweep_holds() == 1
    answer = send(ana, page, "reject", notes="On second thoughts, no")
    assert answer.status_code == 409
    again = read(answer)
    assert again.form("verdict-reject").fields["notes"] == "On second thoughts, no"
    send(ana, again, "reject")
    advance_clock(seconds=6)
    sweep_holds()
    assert status(request) == "rejected"
    assert trail(request) == ["requested", "held", "voted", "held", "rejected"]


def test_the_same_verdict_sent_again_is_one(house: House, ana: Client) -> None:
    request = submit(house.key)
    page = open_page(ana, request)
    first, second = send(ana, page, "approve"), send(ana, page, "approve")
    assert first.headers["Location"] == second.headers["Location"]
    assert ends() == [None]
    assert trail(request) == ["requested", "held"]


@pytest.mark.parametrize("token", ["a\x00b", "\x00", "x" * 65, ""])
def test_a_token_that_no_page_made_is_refused(house: House, ana: Client, token: str) -> None:
    request = submit(house.key)
    assert send(ana, open_page(ana, request), "approve", token=token).status_code == 400
    assert not Hold.objects.exists()


@pytest.mark.parametrize("name", ["undo", "undo-all", "decide"])
def test_a_look_decides_and_undoes_nothing(house: House, ana: Client, name: str) -> None:
    request = submit(house.key)
    send(ana, open_page(ana, request), "approve")
    where = reverse(f"console:{name}", args=[] if name == "undo-all" else [request.id])
    assert {ana.get(where).status_code, ana.head(where).status_code} == {405}
    assert ends() == [None]
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = ana.cookies
    assert strict.post(where, {"batch": "x"}).status_code == 403
    assert ends() == [None]


def test_undoing_twice_says_the_same_twice(house: House, ana: Client) -> None:
    request = submit(house.key)
    send(ana, open_page(ana, request), "approve", notes="Parcel is lost")
    for _ in range(2):
        answer = undo(ana, request)
        assert answer.status_code == 200
        page = read(answer)
        assert "Undone: nothing was decided" in page.text
        assert page.form("verdict-approve").fields["notes"] == "Parcel is lost"
    assert trail(request) == ["requested", "held", "hold_undone"]


def test_undoing_what_counts_says_so(house: House, ana: Client, advance_clock: Advance) -> None:
    request = submit(house.key)
    send(ana, open_page(ana, request), "approve")
    advance_clock(seconds=6)
    answer = undo(ana, request)
    assert answer.status_code == 409
    assert "Undone" not in read(answer).text
    assert "Approved by you" in read(answer).text
    # It counts by then, whoever asked for it.
    assert status(request) == "approved"


def test_undone_and_then_decided_is_not_undone_again(house: House, ana: Client) -> None:
    make_action_type("refund.create", quorum=2)
    request = submit(house.key)
    send(ana, open_page(ana, request), "approve", checked="yes")
    undo(ana, request)
    Preferences.objects.update(hold_seconds=0)
    send(ana, open_page(ana, request), "approve", checked="yes")
    assert undo(ana, request).status_code == 409
    assert trail(request) == ["requested", "held", "hold_undone", "voted"]


def test_undoing_elsewhere_and_nothing(house: House, ana: Client) -> None:
    other = submit(make_agent(make_team("Support"))[1])
    assert undo(ana, other).status_code == 404
    assert undo(ana, submit(house.key)).status_code == 409
    assert "Nothing is held" in read(undo_all(ana)).text


@pytest.mark.parametrize("batch", ["", "\x00", "x" * 5000])
def test_undoing_all_takes_whatever_is_sent(house: House, ana: Client, batch: str) -> None:
    send(ana, open_page(ana, submit(house.key)), "approve")
    assert undo_all(ana, batch=batch).status_code == 200
    assert ends() == (["undone"] if batch == "" else [None])


def test_undoing_all_undoes_the_rest_where_one_is_out_of_sight(house: House, ana: Client) -> None:
    other: Team = make_team("Support")
    Membership.objects.create(user=house.ana, team=other, role="reviewer")
    here, there = submit(house.key), submit(make_agent(other)[1])
    for request in (here, there):
        send(ana, open_page(ana, request), "approve")
    Membership.objects.filter(team=other, user=house.ana).delete()
    answer = undo_all(ana)
    assert answer.status_code == 200
    assert ends() == ["undone", "undone"]
    assert trail(there) == ["requested", "held", "hold_undone"]


def test_evidence_is_opened_by_who_gets_it(house: House, ana: Client) -> None:
    request = submit(house.key, facts=HARD)
    url = reverse("console:evidence", args=[request.id])
    assert ana.head(url).status_code == 200
    assert ana.get(url, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 200
    assert not EvidenceLook.objects.exists()
    ana.get(url)
    assert EvidenceLook.objects.get().user == house.ana


def test_a_vote_that_counts_at_once_is_said_while_another_is_held(
    house: House, ana: Client, ben: Client
) -> None:
    make_action_type("refund.create", quorum=3)
    request = submit(house.key)
    send(ana, open_page(ana, request), "approve", checked="yes")
    answer = send(ben, open_page(ben, request), "approve", checked="yes")
    assert "Your approval counts; 3 are needed" in read(ben.get(answer.headers["Location"])).text


def test_its_author_is_told_that_it_was_cancelled(house: House, ana: Client, ben: Client) -> None:
    request = submit(house.key)
    send(ana, open_page(ana, request), "approve")
    post_message(agent_id=house.agent.id, request_id=request.id, text="One more thing")
    text = open_page(ana, request).text
    assert "Your approval did not count: The request has changed" in text
    assert Notice.objects.get().user == house.ana
    notices = read(ana.get(reverse("console:notices"))).text
    assert f"A request waits {request.description}" in notices
    assert "did not count" not in open_page(ben, request).text
    send(ana, open_page(ana, request), "approve")
    undo(ana, request)
    assert "did not count" not in open_page(ana, request).text


def test_signing_in_again_leads_back_to_the_request(house: House, ana: Client) -> None:
    request = submit(house.key, facts=HARD)
    page = open_page(ana, request)
    session = ana.session
    del session["signed_in_at"]
    session.save()
    answer = send(ana, page, "approve", checked="yes")
    assert answer.status_code == 403
    links = [values["href"] for tag, values in read(answer).tags if tag == "a"]
    (link,) = [link for link in links if "again=1" in link]
    assert link.endswith(f"next={reverse('console:request', args=[request.id])}")
    assert not Decision.objects.exists()
