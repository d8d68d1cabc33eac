from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import ApprovalRequest, Decision, Message, Takeover
from approvals.services.deadlines import sweep_due
from approvals.services.exchange import post_message
from autonomy.policy.facts import Facts
from hitlconsole.accounts.models import Agent, Role, User
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.factories import HARD, make_action_type, make_reviewer, submit

SCHEMA = {
    "type": "object",
    "properties": {
        "order": {"type": "string"},
        "amount": {"type": "string", "pattern": r"^\d+\.\d\d$"},
        "parts": {"type": "integer", "minimum": 1},
    },
    "required": ["order", "amount"],
}


def open_page(client: Client, request: ApprovalRequest) -> Page:
    return read(client.get(reverse("console:request", args=[request.id])))


def commit(
    client: Client, request: ApprovalRequest, which: str, page: Page | None = None, **typed: str
) -> Any:
    """Open the evidence, and send the form as the page gave it with what a person typed."""
    client.get(reverse("console:evidence", args=[request.id]))
    form = (page or open_page(client, request)).form(f"verdict-{which}")
    return client.post(form.action, form.fields | typed)


def state(request: ApprovalRequest) -> tuple[Any, ...]:
    request.refresh_from_db()
    return request.status, request.resolution, request.reason


def test_approving(house: House, ana: Client) -> None:
    request = submit(house.key)
    answer = commit(ana, request, "approve", notes="Parcel is lost indeed")
    assert answer.headers["Location"] == reverse("console:request", args=[request.id])
    decision = Decision.objects.get()
    assert (decision.reviewer, decision.verdict, decision.channel, decision.notes) == (
        house.ana,
        "approve",
        "web",
        "Parcel is lost indeed",
    )
    assert state(request) == ("approved", "human", "")
    page = open_page(ana, request)
    assert "Approved by you" in page.text
    assert "Parcel is lost indeed" in page.text
    assert all(not form.id.startswith("verdict-") for form in page.forms)


def test_approving_at_hard_approval_takes_a_ticked_check(house: House, ana: Client) -> None:
    request = submit(house.key, facts=HARD)
    refused = commit(ana, request, "approve", notes="Looks fine")
    assert refused.status_code == 422
    page = read(refused)
    assert "Tick that you looked at this" in page.text
    assert page.form("verdict-approve").fields["notes"] == "Looks fine"
    assert state(request)[0] == "pending"
    assert not Decision.objects.exists()
    assert "it costs 420.00 USD, it cannot be undone" in page.text
    assert commit(ana, request, "approve", page, checked="yes").status_code == 302
    assert state(request)[0] == "approved"


def test_rejecting_without_a_reason_shows_the_error_and_decides_nothing(
    house: House, ana: Client
) -> None:
    request = submit(house.key)
    refused = commit(ana, request, "reject", notes="  \n ")
    assert refused.status_code == 422
    assert "Choose or write a reason" in read(refused).text
    assert state(request)[0] == "pending"
    assert not Decision.objects.exists()


def test_a_preset_reason_and_words_reach_the_agent_together(house: House, ana: Client) -> None:
    request = submit(house.key)
    commit(ana, request, "reject", preset="Already done", notes="Refunded yesterday")
    assert state(request) == ("rejected", "human", "Already done: Refunded yesterday")


def test_asking_and_the_answer_in_the_thread(house: House, ana: Client) -> None:
    request = submit(house.key)
    commit(ana, request, "ask", notes="Which carrier lost it?")
    assert state(request)[0] == "needs_info"
    page = open_page(ana, request)
    assert "A question waits for the agent's answer" in page.text
    assert [form.id for form in page.forms if form.id.startswith("verdict-")] == [
        "verdict-escalate",
        "verdict-take_over",
    ]
    post_message(agent_id=house.agent.id, request_id=request.id, text="Velo Express")
    page = open_page(ana, request)
    assert "ana asked Which carrier lost it?" in page.text
    assert "support-bot answered not verified Velo Express" in page.text
    assert state(request)[0] == "pending"


def test_escalating_goes_to_the_admins(house: House, ana: Client, admin: Client) -> None:
    request = submit(house.key)
    assert "Until it is escalated, the reviewers of Payments decide this" in (
        open_page(admin, request).text
    )
    commit(ana, request, "escalate", notes="Too large for me")
    assert state(request)[0] == "escalated"
    request.refresh_from_db()
    assert (request.tier, request.level) == (1, 3)
    assert commit(admin, request, "approve", checked="yes").status_code == 302
    assert state(request)[0] == "approved"


def test_taking_over_stops_the_agent_and_an_admin_releases_it(
    house: House, ana: Client, admin: Client
) -> None:
    other = submit(house.key, description="Another refund")
    request = submit(house.key)
    commit(ana, request, "take_over", notes="It refunds at random")
    house.agent.refresh_from_db()
    assert (state(request)[0], house.agent.status) == ("taken_over", Agent.Status.READ_ONLY)
    page = open_page(ana, other)
    assert "The agent is stopped: its requests can be rejected, not approved" in page.text
    assert "verdict-approve" not in [form.id for form in page.forms]
    takeover = Takeover.objects.get()
    agent_page = read(ana.get(reverse("console:agent", args=[house.agent.id])))
    assert "An administrator of Payments can release it" in agent_page.text
    release = reverse("console:release-takeover", args=[takeover.id])
    assert ana.post(release).status_code == 403
    admin.post(release, {"notes": "Look twice"})
    house.agent.refresh_from_db()
    takeover.refresh_from_db()
    assert (house.agent.status, takeover.status, takeover.notes) == (
        Agent.Status.ACTIVE,
        "released",
        "Look twice",
    )


def test_a_lost_race_names_the_winner_and_keeps_the_draft(
    house: House, ana: Client, ben: Client
) -> None:
    request = submit(house.key)
    page = open_page(ana, request)
    commit(ben, request, "approve")
    late = commit(ana, request, "reject", page, notes="I would not do this")
    assert late.status_code == 409
    text = read(late).text
    assert "Approved by ben" in text
    assert "What you had written I would not do this" in text
    assert state(request)[0] == "approved"
    assert Decision.objects.filter(reviewer=house.ana).get().effect == Decision.Effect.LATE


def test_a_changed_request_asks_to_look_again_and_keeps_the_draft(
    house: House, ana: Client
) -> None:
    request = submit(house.key)
    page = open_page(ana, request)
    post_message(agent_id=house.agent.id, request_id=request.id, text="New evidence")
    stale = commit(ana, request, "reject", page, notes="Not enough evidence")
    assert stale.status_code == 409
    again = read(stale)
    assert "What you typed is still here" in again.text
    form = again.form("verdict-reject")
    assert (form.fields["notes"], form.fields["revision"]) == ("Not enough evidence", "2")
    assert form.fields["token"] != page.form("verdict-reject").fields["token"]
    assert state(request)[0] == "pending"
    assert commit(ana, request, "reject", again).status_code == 302
    assert state(request)[0] == "rejected"


def test_a_form_sent_twice_is_one_decision(house: House, ana: Client) -> None:
    request = submit(house.key)
    page = open_page(ana, request)
    answers = [commit(ana, request, "approve", page).status_code for _ in range(3)]
    assert answers == [302, 302, 302]
    assert Decision.objects.count() == 1


def test_after_a_decision_the_queue_goes_on_with_the_next(house: House, ana: Client) -> None:
    first, second = submit(house.key), submit(house.key, description="The next refund")
    page = read(ana.get(f"/?open={first.id}&q=refund"))
    form = page.form("verdict-approve")
    answer = ana.post(form.action, form.fields)
    assert answer.headers["Location"] == f"/?q=refund&open={second.id}"
    headers = {"HX-Request": "true", "HX-Target": "detail"}
    form = read(ana.get(answer.headers["Location"])).form("verdict-approve")
    last = ana.post(form.action, form.fields, headers=headers)
    assert last.headers["HX-Push-Url"] == "/?q=refund"
    assert "That was the last one" in read(last).text
    assert "Approved by you: The next refund" in read(last).text


def test_the_pane_answers_a_refusal_in_the_pane(house: House, ana: Client) -> None:
    request = submit(house.key)
    form = read(ana.get(f"/?open={request.id}")).form("verdict-reject")
    headers = {"HX-Request": "true", "HX-Target": "detail"}
    refused = ana.post(form.action, form.fields, headers=headers)
    assert refused.status_code == 422
    assert b"<html" not in refused.content
    assert read(refused).form("verdict-reject").fields["back"] == "view=all"


@pytest.mark.parametrize(
    "broken",
    [
        {"verdict": "delete"},
        {"revision": "x"},
        {"revision": ""},
        {"token": ""},
        {"token": "x" * 65},
    ],
)
def test_what_no_form_sends_is_refused(house: House, ana: Client, broken: dict[str, str]) -> None:
    request = submit(house.key)
    assert commit(ana, request, "approve", **broken).status_code == 400
    assert state(request)[0] == "pending"


def test_editing_with_typed_fields_shows_the_difference_first(house: House, ana: Client) -> None:
    make_action_type("refund.create", arguments_schema=SCHEMA)
    request = submit(house.key)
    page = open_page(ana, request)
    assert page.form("verdict-edit").fields["arg:amount"] == "420.00"
    preview = commit(
        ana, request, "edit", page, **{"arg:amount": "400.00", "arg:parts": "2", "step": "preview"}
    )
    shown = read(preview)
    assert preview.status_code == 200
    assert "amount changed 420.00 400.00" in shown.text
    assert "parts added not there 2" in shown.text
    assert state(request)[0] == "pending"
    assert commit(ana, request, "edit", shown).status_code == 302
    request.refresh_from_db()
    assert request.status == "approved"
    assert bytes(request.action) == (
        b'{"arguments":{"amount":"400.00","order":"5512","parts":2},"type":"refund.create"}'
    )
    assert "Approved with edits by you" in open_page(ana, request).text


@pytest.mark.parametrize("step", ["commit", "preview"])
def test_an_edit_against_the_schema_gives_an_error_at_the_field(
    house: House, ana: Client, step: str
) -> None:
    make_action_type("refund.create", arguments_schema=SCHEMA)
    request = submit(house.key)
    refused = commit(ana, request, "edit", **{"arg:amount": "lots", "step": step})
    assert refused.status_code == 422
    page = read(refused)
    assert "'lots' does not match" in page.text
    assert page.form("verdict-edit").fields["arg:amount"] == "lots"
    assert state(request)[0] == "pending"
    assert not Decision.objects.exists()


def test_a_number_that_is_none_is_refused_at_its_field(house: House, ana: Client) -> None:
    make_action_type("refund.create", arguments_schema=SCHEMA)
    request = submit(house.key)
    refused = commit(ana, request, "edit", **{"arg:parts": "two"})
    assert refused.status_code == 422
    assert "must be a whole number" in read(refused).text


def test_without_a_schema_the_arguments_are_edited_as_json(house: House, ana: Client) -> None:
    request = submit(house.key)
    broken = commit(ana, request, "edit", arguments='{"order": "5512",')
    assert broken.status_code == 422
    assert "not JSON" in read(broken).text
    commit(ana, request, "edit", arguments='{"order": "5512", "amount": "1.00"}')
    request.refresh_from_db()
    assert request.status == "approved"
    assert b'"amount":"1.00"' in bytes(request.action)


def test_an_edit_that_asks_for_more_is_a_new_proposal_for_somebody_else(
    house: House, ana: Client, ben: Client
) -> None:
    facts = Facts(reversible=True, cost_usd=Decimal(0), confidence=Decimal("0.82"))
    request = submit(house.key, facts=facts)
    make_action_type("refund.create", floor=3)
    told = read(commit(ana, request, "edit", arguments='{"order": "5512", "amount": "9000.00"}'))
    assert state(request)[0] == "pending"
    assert not Decision.objects.exists()
    assert "The level goes from soft approval to hard approval." in told.text
    assert "somebody else approves it, not you" in told.text
    commit(ana, request, "edit", told)
    request.refresh_from_db()
    assert (request.status, request.level) == ("pending", 3)
    page = open_page(ana, request)
    assert "You edited this action: somebody else has to approve it" in page.text
    assert "Edited by a reviewer" in page.text
    assert commit(ben, request, "approve", checked="yes").status_code == 302


def test_several_approvals_show_who_gave_one(house: House, ana: Client, ben: Client) -> None:
    make_action_type("refund.create", quorum=2)
    request = submit(house.key)
    commit(ana, request, "approve", checked="yes")
    page = open_page(ben, request)
    assert "1 of 2 approvals : ana. Still needed: 1 of ben. One rejection ends it." in page.text
    assert "You approved it already" in open_page(ana, request).text
    commit(ben, request, "approve", checked="yes")
    assert state(request)[0] == "approved"


def test_owners_and_those_acted_for_may_not_approve(house: House, ana: Client, ben: Client) -> None:
    house.agent.owner = house.ana
    house.agent.save()
    request = submit(house.key, on_behalf_of="BEN@example.com")
    for client, words in ((ana, "You own this agent"), (ben, "The agent acts for you here")):
        page = open_page(client, request)
        assert words in page.text
        assert "verdict-approve" not in [form.id for form in page.forms]
    forged = open_page(ana, request).form("verdict-reject")
    answer = ana.post(forged.action, forged.fields | {"verdict": "approve"})
    assert answer.status_code == 403
    assert state(request)[0] == "pending"


def test_claiming_extending_releasing_and_commenting(
    house: House, ana: Client, ben: Client
) -> None:
    request = submit(house.key)
    before = request.deadline
    assert before is not None
    ana.post(reverse("console:claim", args=[request.id]))
    assert "ana" in read(ben.get("/")).text
    taken = ben.post(reverse("console:claim", args=[request.id]), follow=True)
    assert "ana works on it" in read(taken).text
    ana.post(reverse("console:extend", args=[request.id]))
    request.refresh_from_db()
    assert (request.deadline - before).total_seconds() == 300
    ana.post(reverse("console:release-claim", args=[request.id]))
    request.refresh_from_db()
    assert request.claimed_by is None
    ana.post(reverse("console:comment", args=[request.id]), {"text": "I asked the carrier"})
    assert Message.objects.get().kind == Message.Kind.COMMENT
    assert "ana commented, among people I asked the carrier" in open_page(ben, request).text


def test_the_form_for_comments_is_there_for_those_who_may(
    house: House, ana: Client, admin: Client, as_person: Callable[[User], Client]
) -> None:
    request = submit(house.key, facts=HARD)
    address = reverse("console:comment", args=[request.id])
    cora = as_person(make_reviewer(house.team, "cora@example.com", Role.COMPLIANCE))

    def offered(client: Client) -> bool:
        return address in [form.action for form in open_page(client, request).forms]

    assert [offered(client) for client in (ana, admin, cora)] == [True, True, False]
    assert cora.post(address, {"text": "Hm"}).status_code == 403
    decide(request, house.ana, "reject")
    assert [offered(client) for client in (ana, admin, cora)] == [False, False, False]
    late = ana.post(address, {"text": "Hm"}, follow=True)
    assert "The request is rejected." in read(late).text
    assert not Message.objects.filter(kind=Message.Kind.COMMENT).exists()


def test_expired_reads_expired_and_never_rejected(
    house: House, ana: Client, advance_clock: Callable[..., None]
) -> None:
    request = submit(house.key, facts=HARD)
    for _ in range(3):
        advance_clock(days=2)
        sweep_due()
    assert state(request)[:2] == ("expired", "exhausted")
    text = open_page(ana, request).text
    assert "Expired: nobody decided" in text
    assert "Rejected" not in text


def test_a_retry_stands_beside_what_was_refused(house: House, ana: Client) -> None:
    first = submit(house.key)
    commit(ana, first, "reject", notes="Too much")
    second = submit(house.key, previous=first.id, arguments={"order": "5512", "amount": "200.00"})
    text = open_page(ana, second).text
    assert "It tried before, and was refused" in text
    assert "Too much" in text
    assert "amount changed 420.00 200.00" in text
    assert "It tried again after this" in open_page(ana, first).text
