"""Handing a request on: to whom, by whom, and what the receiver hears."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from approvals.access import approval_refusal, approvers, deciders, decision_refusal
from approvals.models import ApprovalRequest, Notice
from approvals.services.claims import claim_request, reassign_request, release_claim
from audit.timeline import request_timeline
from hitlconsole.accounts.models import Role, User
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload, trail
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import make_action_type, make_reviewer, make_team, submit


def holder(request: ApprovalRequest) -> User | None:
    return reload(request).claimed_by


def test_the_receiver_holds_it_for_ten_minutes_and_has_a_notice(
    house: House, ana: Client, ben: Client
) -> None:
    request = submit(house.key, description="Refund that needs Ben")
    address = reverse("console:request", args=[request.id])
    form = read(ana.get(address)).form_to(reverse("console:reassign", args=[request.id]))
    page = read(ana.post(form.action, form.fields | {"to": str(house.ben.id)}, follow=True))
    assert "Handed on: they have a notice." in page.text
    request = reload(request)
    assert request.claimed_by == house.ben
    assert request.claimed_until is not None
    (entry,) = [one for one in request_timeline(request.id) if one.type == "reassigned"]
    # The record keeps milliseconds.
    assert round((request.claimed_until - entry.at).total_seconds(), 2) == 600
    assert entry.fields["payload"] == {"from": None, "to": str(house.ben.id)}
    assert entry.actor_id == str(house.ana.id)
    notice = Notice.objects.get()
    assert (notice.user, notice.notification.request_id) == (house.ben, request.id)
    assert "Refund that needs Ben" in read(ben.get(reverse("console:notices"))).text
    assert "Handed on A ana by console" in read(ana.get(address)).text


def test_it_changes_no_revision_and_handing_on_to_the_holder_changes_nothing(house: House) -> None:
    request = submit(house.key)
    for giver in (house.ana, house.ben):
        reassign_request(request_id=request.id, reviewer=giver, to=house.ben.id)
    assert reload(request).revision == 1
    assert trail(request) == ["requested", "reassigned"]
    assert Notice.objects.count() == 1


def test_only_somebody_who_may_decide_gets_it(house: House, ana: Client) -> None:
    request = submit(house.key)
    outsider = make_reviewer(make_team("Support"), "sam@example.com")
    gone = make_reviewer(house.team, "gone@example.com")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for to in (outsider.id, gone.id, house.admin.id, uuid4()):
        with pytest.raises(Problem) as refused:
            reassign_request(request_id=request.id, reviewer=house.ana, to=to)
        assert refused.value.code == "invalid_request"
    answer = ana.post(reverse("console:reassign", args=[request.id]), {"to": "nobody"}, follow=True)
    assert "Choose who should work on it." in read(answer).text
    assert holder(request) is None
    assert trail(request) == ["requested"]


def test_what_another_holds_only_an_admin_hands_on(house: House) -> None:
    request = submit(house.key)
    cleo = make_reviewer(house.team, "cleo@example.com")
    claim_request(request_id=request.id, reviewer=house.ben)
    with pytest.raises(Problem) as refused:
        reassign_request(request_id=request.id, reviewer=house.ana, to=cleo.id)
    assert (refused.value.code, refused.value.detail) == ("claimed_by_other", "ben works on it.")
    house.ana.memberships.create(team=house.team, role=Role.ADMIN)
    reassign_request(request_id=request.id, reviewer=house.ana, to=cleo.id)
    assert holder(request) == cleo
    reassign_request(request_id=request.id, reviewer=cleo, to=house.ana.id)
    assert holder(request) == house.ana


def test_who_may_not_decide_hands_nothing_on_and_nobody_after_the_end(
    house: House, as_person: Callable[[User], Client]
) -> None:
    request = submit(house.key)
    reader = make_reviewer(house.team, "cora@example.com", Role.COMPLIANCE)
    address = reverse("console:reassign", args=[request.id])
    assert as_person(reader).post(address, {"to": str(house.ben.id)}).status_code == 403
    decide(request, house.ana, "reject")
    with pytest.raises(Problem) as refused:
        reassign_request(request_id=request.id, reviewer=house.ana, to=house.ben.id)
    assert refused.value.code == "already_closed"


def test_a_claim_is_renewed_without_a_page_and_only_by_its_holder(
    house: House, ana: Client, ben: Client, advance_clock: Callable[..., None]
) -> None:
    request = submit(house.key)
    claim_request(request_id=request.id, reviewer=house.ana)
    until = reload(request).claimed_until
    advance_clock(seconds=240)
    form = read(ana.get(reverse("console:request", args=[request.id]))).form_to(
        reverse("console:claim", args=[request.id])
    )
    assert form.fields["renew"] == "yes"
    json = {"Accept": "application/json"}
    assert ana.post(form.action, form.fields, headers=json).status_code == 204
    renewed = reload(request).claimed_until
    assert renewed is not None
    assert until is not None
    assert 240 <= (renewed - until).total_seconds() < 300
    assert ben.post(form.action, form.fields, headers=json).status_code == 409
    assert trail(request) == ["requested", "claimed"]
    release_claim(request_id=request.id, reviewer=house.ana)
    page = read(ana.get(reverse("console:request", args=[request.id])))
    assert "renew" not in page.form_to(form.action).fields


def test_the_sets_of_people_are_those_that_the_rules_let_through(house: House) -> None:
    """The form offers, and the display names, exactly whom the deciding transaction accepts."""
    owner = make_reviewer(house.team, "owner@example.com")
    house.agent.owner = owner
    house.agent.save()
    make_reviewer(house.team, "acted@example.com")
    make_reviewer(house.team, "cora@example.com", Role.COMPLIANCE)
    make_reviewer(house.team, "adam@example.com", Role.ADMIN)
    make_reviewer(make_team("Support"), "sam@example.com")
    gone = make_reviewer(house.team, "gone@example.com")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    request = submit(house.key, on_behalf_of=" ACTED@example.com ")
    make_action_type("refund.create", floor=3)
    edited = {"type": "refund.create", "arguments": {}}
    decide(request, house.ben, "approve_with_edits", edited_action=edited)
    for escalated in (False, True):
        if escalated:
            decide(request, house.ana, "escalate")
        now = ApprovalRequest.objects.select_related("agent", "team").get(pk=request.pk)
        people = list(User.objects.all())
        may_decide = {who for who in people if decision_refusal(who, now) is None}
        may_approve = {who for who in may_decide if approval_refusal(who, now) is None}
        assert set(deciders(now)) == may_decide
        assert set(approvers(now)) == may_approve
        names = {who.name for who in may_approve}
        assert names == ({"ana", "admin", "adam"} if escalated else {"ana"})
