"""What counts as notice: told in this wait, to somebody who may decide and approve."""

from datetime import timedelta
from typing import Any

import pytest

from approvals.models import ApprovalRequest, Delivery, DeliveryAttempt, DeliveryItem, Notification
from approvals.services.exchange import post_message
from approvals.services.notice import notice_of
from hitlconsole.accounts.models import Role, User
from tests.approvals.helpers import decide, keep_console_up, reload
from tests.factories import make_agent, make_reviewer, submit

pytestmark = pytest.mark.django_db


def deliver(
    request: ApprovalRequest, *people: User, begun: float, accepted: float, **fields: Any
) -> Delivery:
    """A message whose attempt began and was accepted so many seconds after the submission."""
    keep_console_up(request)
    at = request.created_at + timedelta(seconds=accepted)
    defaults: dict[str, Any] = {
        "transport": "email", "kind": "request_waiting", "status": "sent", "sent_at": at,
    }  # fmt: skip
    delivery = Delivery.objects.create(
        team=request.team,
        people=[one.pk for one in people],
        created_at=request.created_at,
        attempts=1,
        **(defaults | fields),
    )
    DeliveryAttempt.objects.create(
        delivery=delivery,
        number=1,
        started_at=request.created_at + timedelta(seconds=begun),
        finished_at=at,
        outcome="sent",
    )
    news = Notification.objects.filter(request=request).first()
    assert news is not None
    DeliveryItem.objects.create(delivery=delivery, notification=news, request=request)
    return delivery


@pytest.mark.parametrize(("accepted", "given"), [(240, True), (241, False)])
def test_it_leaves_the_time_to_object(key, ana, accepted, given) -> None:
    request = submit(key)
    deliver(request, ana, begun=1, accepted=accepted)
    assert (notice_of(request) is not None) is given


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "queued"},
        {"status": "dead"},
        {"status": "dropped"},
        {"kind": "request_closed"},
        {"kind": "request_notify"},
    ],
)
def test_only_an_accepted_message_that_asks_is_notice(key, ana, fields) -> None:
    request = submit(key)
    deliver(request, ana, begun=1, accepted=2, **fields)
    assert notice_of(request) is None


@pytest.mark.parametrize(
    "behalf", ["ana@example.com", "\tANA@example.com\n", "\u00a0ana@example.com"]
)
def test_whom_the_agent_acts_for_cannot_be_who_was_told(key, ana, behalf) -> None:
    request = submit(key, on_behalf_of=behalf)
    deliver(request, ana, begun=1, accepted=2)
    assert notice_of(request) is None


def test_the_owner_cannot_be_who_was_told(team, ana) -> None:
    request = submit(make_agent(team, owner=ana)[1])
    deliver(request, ana, begun=1, accepted=2)
    assert notice_of(request) is None


def test_who_may_not_decide_at_the_deadline_was_not_told(key, team, ana) -> None:
    request = submit(key)
    left, gone = make_reviewer(team), make_reviewer(team)
    lead = make_reviewer(team, role=Role.ADMIN)
    deliver(request, left, gone, lead, begun=1, accepted=2)
    left.memberships.all().delete()
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert notice_of(request) is None
    deliver(request, ana, left, begun=1, accepted=3)
    found = notice_of(request)
    assert found is not None
    assert found.people == (ana.pk,)


def test_a_message_that_was_under_way_before_the_answer_is_not_notice_of_the_new_wait(
    key, ana, advance_clock
) -> None:
    """What it says is what was there before the answer."""
    request = submit(key)
    decide(request, ana, "ask")
    advance_clock(seconds=10)
    post_message(agent_id=request.agent_id, request_id=request.id, text="42")
    after = reload(request)
    assert after.waiting_since is not None
    answered = (after.waiting_since - request.created_at).total_seconds()
    deliver(request, ana, begun=answered - 5, accepted=answered + 5)
    assert notice_of(after) is None
    deliver(request, ana, begun=answered + 6, accepted=answered + 7)
    assert notice_of(after) is not None
