"""One deed on several requests: looked at together, done one by one, each failure named."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import ApprovalRequest, Decision, Hold
from approvals.services.claims import claim_request
from approvals.services.deadlines import sweep_holds
from hitlconsole.accounts.models import Preferences, Role
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.factories import HARD, make_agent, make_reviewer, make_team, submit


def choose(client: Client, deed: str, *requests: ApprovalRequest, **more: str) -> Any:
    """What the bar under the list sends: the rows that are ticked, as the page shows them."""
    page = read(client.get("/"))
    values = [
        values["value"]
        for tag, values in page.tags
        if tag == "input" and values.get("name") == "selected"
    ]
    ids = {str(request.id) for request in requests}
    chosen = [value for value in values if value.partition(":")[0] in ids]
    assert len(chosen) == len(requests)
    sent = page.form("bulk").fields | {"do": deed, "selected": chosen} | more
    return client.post(reverse("console:queue-bulk"), sent)


def items(page: Page) -> list[str]:
    return [v["value"] for tag, v in page.tags if tag == "input" and v.get("name") == "item"]


def commit(client: Client, page: Any, **typed: Any) -> Any:
    shown = read(page)
    form = shown.form_to(reverse("console:queue-bulk-commit"))
    sent = form.fields | {"item": items(shown)} | typed
    return client.post(form.action, sent)


def statuses(*requests: ApprovalRequest) -> list[str]:
    found = ApprovalRequest.objects.in_bulk([request.id for request in requests])
    return [found[request.id].status for request in requests]


def refunds(house: House, count: int = 3, **fields: Any) -> list[ApprovalRequest]:
    return [submit(house.key, description=f"Refund {n}", **fields) for n in range(count)]


def test_claiming_and_releasing_several_at_once(house: House, ana: Client) -> None:
    requests = refunds(house)
    answer = choose(ana, "claim", *requests[:2])
    assert answer.headers["Location"] == "/?view=all"
    assert "Claimed 2 requests." in read(ana.get("/")).text
    holders = [ApprovalRequest.objects.get(pk=one.id).claimed_by for one in requests]
    assert holders == [house.ana, house.ana, None]
    choose(ana, "release", *requests[:2])
    assert not ApprovalRequest.objects.filter(claimed_by=house.ana).exists()


def test_approving_shows_every_request_in_full_and_changes_nothing_yet(
    house: House, ana: Client
) -> None:
    requests = [
        submit(house.key, description="Refund one", arguments={"order": "5512", "note": "x" * 900}),
        submit(house.key, description="Refund <b>two</b>", arguments={"order": "77\u202e12"}),
    ]
    page = choose(ana, "approve", *requests)
    text = read(page).text
    assert page.status_code == 200
    assert "Approve 2 requests?" in text
    assert b"Approve 2</span>" in page.content
    for part in ("Refund one", "Refund <b>two</b>", "x" * 900, "⟨U+202E⟩", "support-bot"):
        assert part in text
    assert (statuses(*requests), Decision.objects.count()) == (["pending", "pending"], 0)
    done = commit(ana, page)
    assert done.headers["Location"] == "/?view=all"
    assert statuses(*requests) == ["approved", "approved"]
    assert "Approved 2 requests." in read(ana.get("/")).text


def test_only_soft_approvals_of_one_type_are_approved_together(house: House, ana: Client) -> None:
    soft, hard = submit(house.key), submit(house.key, facts=HARD)
    other = submit(house.key, action_type="email.send")
    for pair, words in (
        ((soft, hard), "Only soft approvals (level 2) are approved together"),
        ((soft, other), "Only requests of one action type are approved together"),
    ):
        page = choose(ana, "approve", *pair)
        assert page.status_code == 409
        assert words in read(page).text
        assert b"Approve 2</span>" not in page.content
        refused = commit(ana, page)
        assert refused.status_code == 409
    assert statuses(soft, hard, other) == ["pending", "pending", "pending"]


def test_rejecting_asks_for_a_reason_and_keeps_the_form(house: House, ana: Client) -> None:
    requests = refunds(house, 2, facts=HARD)
    page = choose(ana, "reject", *requests)
    again = commit(ana, page)
    assert again.status_code == 422
    assert "Choose or write a reason" in read(again).text
    assert items(read(again)) == items(read(page))
    assert statuses(*requests) == ["pending", "pending"]
    commit(ana, again, preset="Already done", notes="by hand")
    assert statuses(*requests) == ["rejected", "rejected"]
    assert set(Decision.objects.values_list("notes", flat=True)) == {"Already done: by hand"}


def test_escalating_asks_why(house: House, ana: Client) -> None:
    requests = refunds(house, 2)
    page = choose(ana, "escalate", *requests)
    assert commit(ana, page, notes="  ").status_code == 422
    commit(ana, page, notes="Above my limit")
    assert statuses(*requests) == ["escalated", "escalated"]


def test_reassigning_to_somebody_who_may_decide(house: House, ana: Client) -> None:
    requests = refunds(house, 2)
    make_reviewer(make_team("Support"), "cora@example.com")
    make_reviewer(house.team, "dora@example.com", Role.COMPLIANCE)
    page = choose(ana, "reassign", *requests)
    options = [v["value"] for tag, v in read(page).tags if tag == "option"]
    assert options == ["", str(house.ana.id), str(house.ben.id)]
    refused = commit(ana, page, to=str(house.admin.id))
    assert "Choose who takes them over." in read(refused).text
    commit(ana, page, to=str(house.ben.id))
    holders = ApprovalRequest.objects.values_list("claimed_by__name", flat=True)
    assert list(holders) == ["ben", "ben"]


def test_each_failure_is_named_and_the_others_are_done(house: House, ana: Client) -> None:
    fine, closed, changed, untouched = refunds(house, 4)
    page = choose(ana, "approve", fine, closed, changed)
    decide(closed, house.ben, "reject")
    decide(changed, house.ben, "ask")
    assert statuses(closed, changed) == ["rejected", "needs_info"]
    answer = commit(ana, page)
    result = read(ana.get(answer.headers["Location"]))
    assert "1 done, 2 not" in result.text
    assert re.search(r"Not done .*Refund 1 Rejected by ben \d+ s ago", result.text)
    assert "Refund 2 It is at revision 2, you saw 1: look again." in result.text
    links = [v["href"] for tag, v in result.tags if tag == "a" and "/requests/" in v["href"]]
    for request in (fine, closed, changed):
        assert reverse("console:request", args=[request.id]) in links
    assert statuses(fine, closed, changed) == ["approved", "rejected", "needs_info"]
    assert statuses(untouched) == ["pending"]


def test_what_somebody_else_holds_is_named(house: House, ana: Client) -> None:
    free, taken = refunds(house, 2)
    claim_request(request_id=taken.id, reviewer=house.ben)
    answer = choose(ana, "claim", free, taken)
    result = read(ana.get(answer.headers["Location"]))
    assert "1 done, 1 not" in result.text
    assert "ben works on it." in result.text


def test_the_owner_approves_none_of_them(house: House, ana: Client) -> None:
    requests = refunds(house, 2)
    house.agent.owner = house.ana
    house.agent.save()
    answer = commit(ana, choose(ana, "approve", *requests))
    result = read(ana.get(answer.headers["Location"]))
    assert "0 done, 2 not" in result.text
    assert result.text.count("You own this agent: somebody else has to approve for it.") == 2
    assert statuses(*requests) == ["pending", "pending"]


def test_a_change_since_the_selection_is_marked_and_its_newest_revision_committed(
    house: House, ana: Client
) -> None:
    requests = refunds(house, 2)
    values = [f"{request.id}:{request.revision}" for request in requests]
    decide(requests[1], house.ben, "escalate")
    sent = {"do": "reject", "selected": values}
    page = ana.post(reverse("console:queue-bulk"), sent)
    assert read(page).text.count("changed since you selected it") == 1
    commit(ana, page, notes="No")
    assert statuses(*requests) == ["rejected", "rejected"]


def test_a_form_sent_twice_is_one_decision_each(house: House, ana: Client) -> None:
    requests = refunds(house, 2)
    page = choose(ana, "approve", *requests)
    first, second = commit(ana, page), commit(ana, page)
    assert first.headers["Location"] == second.headers["Location"] == "/?view=all"
    assert Decision.objects.count() == 2


def test_requests_out_of_sight_are_left_out_and_said(house: House, ana: Client) -> None:
    _, key = make_agent(make_team("Support"), "foreign-bot")
    foreign, own = submit(key, description="Not yours"), submit(house.key)
    sent = {"do": "reject", "selected": [f"{foreign.id}:1", f"{own.id}:1", "nonsense"]}
    page = ana.post(reverse("console:queue-bulk"), sent)
    assert "1 of the selected is left out" in read(page).text
    assert "Not yours" not in read(page).text
    forged = {"do": "reject", "notes": "No", "item": [f"{foreign.id}:1:t", f"{own.id}:1:u"]}
    answer = ana.post(reverse("console:queue-bulk-commit"), forged)
    result = read(ana.get(answer.headers["Location"]))
    assert "A request that you do not see" in result.text
    assert "Not yours" not in result.text
    assert statuses(foreign, own) == ["pending", "rejected"]


def test_more_than_a_hundred_are_refused_as_a_whole(house: House, ana: Client) -> None:
    request = submit(house.key)
    many = [f"{request.id}:1"] + [f"018f0000-0000-7000-8000-{n:012}:1" for n in range(100)]
    answer = ana.post(reverse("console:queue-bulk"), {"do": "claim", "selected": many})
    assert answer.status_code == 422
    assert "At most 100 requests at once; 101 were selected." in read(answer).text
    request.refresh_from_db()
    assert request.claimed_by is None


@pytest.mark.parametrize("sent", [{}, {"do": "delete"}, {"do": "claim"}])
def test_a_post_without_a_deed_or_rows_changes_nothing(
    house: House, ana: Client, sent: dict[str, str]
) -> None:
    request = submit(house.key)
    answer = ana.post(reverse("console:queue-bulk"), sent)
    assert answer.status_code == (302 if sent.get("do") == "claim" else 422)
    assert statuses(request) == ["pending"]


def test_verdicts_are_held_together_and_one_undo_takes_them_all_back(
    house: House, ana: Client, advance_clock: Callable[..., None]
) -> None:
    Preferences.objects.filter(user=house.ana).update(hold_seconds=5)
    alone, *requests = refunds(house, 4)
    form = read(ana.get(f"/?open={alone.id}")).form("verdict-reject")
    ana.post(form.action, form.fields | {"notes": "No"})
    commit(ana, choose(ana, "approve", *requests))
    assert statuses(*requests) == ["pending"] * 3
    assert Hold.objects.filter(end=None).count() == 4
    page = read(ana.get("/"))
    assert "You are approving this" in page.text
    undo = page.form_to(reverse("console:undo-all"))
    said = ana.post(undo.action, undo.fields, follow=True)
    assert "Undone: 3. Nothing of it was decided." in read(said).text
    advance_clock(seconds=10)
    sweep_holds()
    assert statuses(alone, *requests) == ["rejected", "pending", "pending", "pending"]


def test_a_result_is_kept_for_its_own_session_only(house: House, ana: Client, ben: Client) -> None:
    (request,) = refunds(house, 1)
    claim_request(request_id=request.id, reviewer=house.ben)
    address = choose(ana, "claim", request).headers["Location"]
    assert "1 not" in read(ana.get(address)).text
    assert ben.get(address).headers["Location"] == "/"
    assert "kept no more" in read(ben.get("/")).text


def test_the_page_to_commit_on_costs_the_same_queries_for_2_and_for_50(
    house: House, ana: Client
) -> None:
    requests = refunds(house, 50)

    def cost(count: int) -> int:
        sent = {"do": "approve", "selected": [f"{one.id}:1" for one in requests[:count]]}
        with CaptureQueriesContext(connection) as queries:
            assert ana.post(reverse("console:queue-bulk"), sent).status_code == 200
        return len(queries)

    assert cost(2) == cost(50)
