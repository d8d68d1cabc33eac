"""The page of one request: who is needed, what was tried before, and what is known about it."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import ApprovalRequest
from approvals.services.claims import extend_deadline
from approvals.services.executions import claim_execution, report_outcome
from approvals.services.verdicts import approvers_of
from hitlconsole.accounts.models import Role, User
from tests.approvals.helpers import decide, reload
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.factories import HARD, make_action_type, make_agent, make_reviewer, make_team, submit


def show(client: Client, request: ApprovalRequest) -> Page:
    return read(client.get(reverse("console:request", args=[request.id])))


def words(client: Client, request: ApprovalRequest) -> str:
    """The page as it reads: tags leave a space before what follows them."""
    return re.sub(r" ([.,:;])", r"\1", show(client, request).text)


def refuse(request: ApprovalRequest, who: User, why: str) -> ApprovalRequest:
    decide(request, who, "reject", notes=why)
    return request


# --- Quorum ---


def test_those_who_approved_and_those_who_still_may_are_named(
    house: House, ana: Client, ben: Client
) -> None:
    make_action_type("refund.create", quorum=3)
    make_reviewer(house.team, "cleo@example.com")
    make_reviewer(house.team, "dan@example.com")
    request = submit(house.key)
    decide(request, house.ana, "approve")
    decide(request, house.ben, "approve")
    text = words(ana, request)
    assert "2 of 3 approvals: ana, ben. Still needed: 1 of cleo, dan. One rejection ends it" in text
    assert "You approved it already: somebody else has to approve it, too." in text
    assert "verdict-approve" not in [form.id for form in show(ana, request).forms]


def test_more_than_ten_are_counted(house: House, ana: Client) -> None:
    make_action_type("refund.create", quorum=2)
    for number in range(14):
        make_reviewer(house.team, f"r{number:02}@example.com")
    request = submit(house.key)
    text = words(ana, request)
    assert "Still needed: 2 of ana, ben, r00, r01, r02, r03, r04, r05, r06, r07 and 6 more" in text


def test_too_few_people_for_the_quorum_is_said(house: House, ana: Client) -> None:
    make_action_type("refund.create", quorum=3)
    request = submit(house.key)
    assert "There are too few of them" in words(ana, request)
    make_reviewer(house.team, "cleo@example.com")
    assert "There are too few of them" not in words(ana, request)


def test_a_vote_of_who_may_not_approve_any_more_is_not_shown(
    house: House, ana: Client, ben: Client
) -> None:
    make_action_type("refund.create", quorum=2)
    request = submit(house.key)
    decide(request, house.ben, "approve")
    assert "1 of 2 approvals: ben" in words(ana, request)
    house.agent.owner = house.ben
    house.agent.save()
    text = words(ana, request)
    assert "0 of 2 approvals. Still needed: 2 of ana." in text
    assert approvers_of(reload(request)) == set()


def test_who_may_not_approve_reads_who_may(
    house: House, ana: Client, as_person: Callable[[User], Client]
) -> None:
    request = submit(house.key, on_behalf_of="ana@example.com")
    text = words(ana, request)
    assert "The agent acts for you here" in text
    assert "May approve it: ben." in text
    cora = as_person(make_reviewer(house.team, "cora@example.com", Role.COMPLIANCE))
    text = words(cora, request)
    assert "Only the reviewers of Payments decide this." in text
    assert "May approve it: ben." in text


def test_who_proposed_an_edit_is_named_and_left_out(house: House, ana: Client, ben: Client) -> None:
    request = submit(house.key)
    make_action_type("refund.create", floor=3)
    edited = {"type": "refund.create", "arguments": {"order": "5512", "amount": "1.00"}}
    decide(request, house.ana, "approve_with_edits", edited_action=edited)
    text = words(ben, request)
    assert "ana proposed this edit" in text
    assert "amount changed 420.00 1.00" in text
    assert "You edited this action" in words(ana, request)
    assert "May approve it: ben." in words(ana, request)


# --- Tries ---


def test_up_to_five_tries_stand_in_time_order_each_beside_the_next(
    house: House, ana: Client
) -> None:
    chain = [refuse(submit(house.key, arguments={"n": 0}), house.ben, "Reason 0")]
    for number in range(1, 7):
        fields = {"arguments": {"n": number}, "previous": chain[-1].id}
        chain.append(submit(house.key, description=f"Try {number}", **fields))
        if number < 6:
            refuse(chain[-1], house.ben, f"Reason {number}")
    text = show(ana, chain[-1]).text
    assert "It tried before, and was refused 5 times. Earlier tries: open the oldest one." in text
    places = [text.index(f"Reason {number}") for number in range(1, 6)]
    assert places == sorted(places)
    assert "Reason 0" not in text
    for number in range(1, 6):
        assert f"n changed {number} number {number + 1} number" in text or (
            f"n changed {number} {number + 1}" in text
        )
    assert "It tried again after this: " in show(ana, chain[2]).text


def test_a_try_of_another_type_is_compared_with_its_type(house: House, ana: Client) -> None:
    first = refuse(submit(house.key), house.ben, "Not like this")
    second = submit(house.key, action_type="voucher.send", previous=first.id)
    assert "type changed refund.create voucher.send" in show(ana, second).text


def test_a_try_that_went_to_another_team_is_counted_and_not_shown(
    house: House, ana: Client
) -> None:
    first = refuse(submit(house.key, description="Secret of Payments"), house.ben, "No")
    second = submit(house.key, previous=first.id)
    house.agent.owner = make_reviewer(make_team("Support"), "sam@example.com")
    support = make_team("Support")
    ApprovalRequest.objects.filter(pk=second.pk).update(team=support)
    house.ana.memberships.all().delete()
    house.ana.memberships.create(team=support, role=Role.REVIEWER)
    text = show(ana, second).text
    assert "1 earlier try went to a team that you don't see." in text
    assert "Secret of Payments" not in text


# --- What is known ---


def test_similar_requests_say_how_they_ended_who_decided_and_how_long_it_took(
    house: House, ana: Client, advance_clock: Callable[..., None]
) -> None:
    other, other_key = make_agent(house.team, "crm-bot")
    hidden, hidden_key = make_agent(make_team("Support"), "spy-bot")
    first = submit(house.key, description="The first refund")
    submit(other_key, description="Of another agent")
    submit(hidden_key, description="Of another team")
    submit(house.key, description="Another action", action_type="ticket.close")
    advance_clock(seconds=65)
    refuse(first, house.ben, "No")
    page = show(ana, submit(house.key))
    assert "The first refund 0 USD Rejected Rejected by ben 1 min 5 s" in page.text
    assert "Of another agent crm-bot 0 USD Pending still waits" in page.text
    assert "Of another team" not in page.text
    assert "Another action" not in page.text
    assert (other.name, hidden.name) == ("crm-bot", "spy-bot")


def test_the_outcomes_are_marks_and_the_same_as_a_table(house: House, ana: Client) -> None:
    make_action_type("order.lookup", side_effects=False)
    for number, result in enumerate(("success", "failure", "success")):
        done = submit(house.key, action_type="order.lookup", description=f"Look {number}")
        claim_execution(agent_id=house.agent.id, request_id=done.id, claim_id="one")
        report_outcome(agent_id=house.agent.id, request_id=done.id, result=result)
    page = show(ana, submit(house.key))
    marks = [
        values["class"] for tag, values in page.tags if tag == "i" and "outcomes" in str(values)
    ]
    assert marks == [
        "outcomes__one outcomes__one--success",
        "outcomes__one outcomes__one--failure",
        "outcomes__one outcomes__one--success",
    ]
    assert "Last 3 outcomes: 2 successes, 1 failure" in page.text
    assert "Success Look 2 order.lookup" in page.text
    assert "Failure Look 1 order.lookup" in page.text


def test_more_time_is_offered_as_long_as_there_is_some_left(house: House, ana: Client) -> None:
    request = submit(house.key)
    extend = reverse("console:extend", args=[request.id])
    assert "5 min more" in words(ana, request)
    extend_deadline(request_id=request.id, reviewer=house.ana)
    assert extend not in show(ana, request).html


def test_every_character_of_a_long_argument_is_there(house: House, ana: Client) -> None:
    long = "".join(f"{number:05} " for number in range(1700))
    request = submit(house.key, arguments={"text": long, "hidden": "a\u202eb\u200b"})
    html = show(ana, request).html
    assert long in html
    assert "⟨U+202E⟩" in html
    assert "\u202e" not in html


@pytest.mark.parametrize("whole", [True, False])
def test_the_page_asks_as_much_for_a_rich_request_as_for_a_poor_one(
    house: House, ana: Client, whole: bool
) -> None:
    make_action_type("refund.create", quorum=3)
    poor = refuse(submit(house.key), house.ben, "No")
    poor = submit(house.key, previous=poor.id, description="Poor", facts=HARD)
    decide(poor, house.ana, "approve")
    query = {} if whole else {"from": "queue", "back": ""}
    headers = {} if whole else {"HX-Request": "true"}

    def queries(request: ApprovalRequest) -> int:
        ana.get(reverse("console:request", args=[request.id]), query, headers=headers)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            ana.get(reverse("console:request", args=[request.id]), query, headers=headers)
        return len(captured)

    few = queries(poor)
    chain = poor
    for person in ("c", "d", "e", "f"):
        make_reviewer(house.team, f"{person}@example.com")
    for number in range(4):
        refuse(chain, house.ben, f"No {number}")
        chain = submit(house.key, previous=chain.id, description=f"Try {number}", facts=HARD)
        submit(house.key, description=f"Similar {number}")
    decide(chain, house.ana, "approve")
    decide(chain, house.ben, "approve")
    assert queries(chain) == few
