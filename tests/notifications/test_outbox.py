"""The outbox: planned once, attempts on record before they are made, and what becomes of them."""

from typing import Any

import pytest
from django.db import connection

from approvals.models import Delivery, DeliveryAttempt, Notice, Notification, NotificationChannel
from approvals.notifications import outbox, planner
from approvals.notifications.channels.base import Outgoing, Permanent, Receipt, Temporary
from approvals.notifications.channels.registry import SENDERS
from approvals.notifications.outbox import PAUSES, replay_deliveries, run_outbox, send_deliveries
from approvals.notifications.planner import MAX_ATTEMPTS, plan_notifications
from approvals.services.deadlines import sweep_due
from hitlconsole.accounts.models import Role, Team
from tests.approvals.helpers import decide
from tests.factories import HARD, TAKEOVER, make_agent, make_reviewer, make_team, submit


class Wire:
    """Stands where the network begins: what was sent, and what is to happen next."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.failures: list[Exception] = []

    def __call__(self, message: Outgoing) -> Receipt:
        self.sent.append(message)
        if self.failures:
            raise self.failures.pop(0)
        return Receipt(reference=f"ref-{len(self.sent)}", status=250, response="ok")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(outbox, "SENDERS", dict.fromkeys(SENDERS, wire))
    # All of it within the test's transaction.
    monkeypatch.setattr(outbox, "THREADS", 1)
    return wire


@pytest.fixture
def team(db) -> Team:
    return make_team()


def make_channel(name: str = "Mail", **fields: Any) -> NotificationChannel:
    return NotificationChannel.objects.create(**({"kind": "email", "name": name} | fields))


def test_the_teams_reviewers_get_one_notice_and_one_mail_each(team, wire) -> None:
    ana, bo = make_reviewer(team), make_reviewer(team)
    make_reviewer(team, role=Role.COMPLIANCE)
    make_reviewer(make_team("Support"))
    make_channel()
    request = submit(make_agent(team)[1], facts=HARD)
    assert run_outbox() == 2
    assert run_outbox() == 0
    assert {n.user_id for n in Notice.objects.all()} == {ana.id, bo.id}
    assert {d.user_id for d in Delivery.objects.filter(status="sent")} == {ana.id, bo.id}
    assert sorted(message.people[0].email for message in wire.sent) == sorted([ana.email, bo.email])
    assert {item.request_id for d in Delivery.objects.all() for item in d.items.all()} == {
        request.id
    }
    assert Notification.objects.get().status == "planned"


def test_the_attempt_is_on_record_before_it_is_made(team, monkeypatch) -> None:
    make_reviewer(team)
    make_channel()
    submit(make_agent(team)[1], facts=HARD)
    seen: list[tuple[int, Any]] = []

    def look(message: Outgoing) -> Receipt:
        seen.extend(DeliveryAttempt.objects.values_list("number", "finished_at"))
        assert connection.in_atomic_block  # the test's own transaction, no other
        return Receipt()

    monkeypatch.setattr(outbox, "SENDERS", dict.fromkeys(SENDERS, look))
    run_outbox()
    assert seen == [(1, None)]
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.outcome, attempt.finished_at is not None) == ("sent", True)


def test_an_attempt_without_an_end_comes_up_again_under_the_same_id(
    team, wire, advance_clock
) -> None:
    """What a worker leaves that died between the attempt's record and the sending."""
    make_reviewer(team)
    make_channel()
    submit(make_agent(team)[1], facts=HARD)
    plan_notifications()
    limits: dict[str, Any] = {"limit": 10, "lease": outbox.LEASE}
    with connection.cursor() as cursor:
        cursor.execute(outbox._CLAIM, limits)
    assert send_deliveries() == (0, 0)
    advance_clock(seconds=61)
    assert send_deliveries() == (1, 1)
    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.status) == (2, "sent")
    assert [message.id for message in wire.sent] == [delivery.id]
    outcomes = delivery.tries.order_by("number").values_list("number", "outcome")
    assert list(outcomes) == [(1, None), (2, "sent")]


def test_failures_wait_longer_and_end_as_dead_letters_that_can_be_replayed(
    team, wire, advance_clock
) -> None:
    make_reviewer(team)
    channel = make_channel()
    submit(make_agent(team)[1], facts=HARD)
    wire.failures = [Temporary("down", status=451)] * (len(PAUSES) + 1)
    pauses = []
    run_outbox()
    for number in range(1, len(PAUSES) + 1):
        delivery = Delivery.objects.get()
        assert (delivery.attempts, delivery.status) == (number, "queued")
        attempt = delivery.tries.get(number=number)
        pauses.append(round((delivery.next_attempt_at - attempt.finished_at).total_seconds()))
        advance_clock(seconds=pauses[-1] + 1)
        send_deliveries()
    assert pauses == [pause.total_seconds() for pause in PAUSES]
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_error) == ("dead", "down")
    assert list(delivery.tries.values_list("outcome", "response_status").distinct()) == [
        ("temporary", 451)
    ]
    channel.refresh_from_db()
    assert (channel.last_error, channel.last_success_at) == ("down", None)
    assert replay_deliveries([delivery.pk]) == 1
    assert send_deliveries() == (1, 1)
    assert Delivery.objects.get().status == "sent"
    assert replay_deliveries([delivery.pk]) == 0


def test_a_permanent_failure_is_not_tried_again(team, wire, advance_clock) -> None:
    make_reviewer(team)
    make_channel()
    submit(make_agent(team)[1], facts=HARD)
    wire.failures = [Permanent("no such mailbox", status=550, response="unknown")]
    assert run_outbox() == 0
    advance_clock(days=1)
    assert send_deliveries() == (0, 0)
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.outcome, attempt.response_status, attempt.response, attempt.error) == (
        "permanent", 550, "unknown", "no such mailbox",
    )  # fmt: skip


def test_the_receiver_says_when_to_come_again(team, wire) -> None:
    make_reviewer(team)
    make_channel()
    submit(make_agent(team)[1], facts=HARD)
    wire.failures = [Temporary("slow down", retry_after=90.0)]
    run_outbox()
    delivery, attempt = Delivery.objects.get(), DeliveryAttempt.objects.get()
    assert (delivery.next_attempt_at - attempt.finished_at).total_seconds() == 90


def test_nobody_is_asked_to_decide_what_is_decided(team, wire) -> None:
    ana = make_reviewer(team)
    make_channel()
    request = submit(make_agent(team)[1], facts=HARD)
    plan_notifications()
    decide(request, ana, "approve")
    run_outbox()
    assert wire.sent == []
    assert Delivery.objects.get().status == "dropped"


def test_a_planning_that_fails_holds_up_nothing_else(team, wire, monkeypatch, caplog) -> None:
    make_reviewer(team)
    make_channel()
    key = make_agent(team)[1]
    bad, good = submit(key, facts=HARD), submit(key, facts=HARD)
    plan_group = planner._plan_group

    def fail_for_one(plan: Any, group: Any, news: list[Notification]) -> None:
        if any(one.request_id == bad.id for one in news):
            raise RuntimeError("broken")
        plan_group(plan, group, news)

    monkeypatch.setattr(planner, "_plan_group", fail_for_one)
    assert plan_notifications() == 1
    states = {n.request_id: (n.status, n.attempts) for n in Notification.objects.all()}
    assert states == {bad.id: ("queued", 1), good.id: ("planned", 0)}
    Notification.objects.filter(request=bad).update(attempts=MAX_ATTEMPTS - 1)
    Notification.objects.filter(request=bad).update(next_attempt_at=bad.created_at)
    plan_notifications()
    assert Notification.objects.get(request=bad).status == "dead"


def test_a_burst_is_folded_and_each_request_is_told_once(team, wire, advance_clock) -> None:
    ana = make_reviewer(team)
    make_channel()
    key = make_agent(team)[1]
    requests = [submit(key, facts=HARD) for _ in range(250)]
    assert plan_notifications() == 250
    advance_clock(seconds=11)
    run_outbox()
    assert [len(message.news) for message in wire.sent] == [100, 100, 50]
    told = [news.request.id for message in wire.sent for news in message.news]
    assert sorted(told) == sorted(request.id for request in requests)
    assert Notice.objects.filter(user=ana).count() == 250


def test_a_trickle_is_folded_too(team, wire, advance_clock) -> None:
    make_reviewer(team)
    make_channel()
    key = make_agent(team)[1]
    for _ in range(8):
        submit(key, facts=HARD)
        run_outbox()
    assert [len(message.news) for message in wire.sent] == [1, 1, 1]
    advance_clock(seconds=11)
    run_outbox()
    assert [len(message.news) for message in wire.sent] == [1, 1, 1, 5]


def test_escalations_and_takeovers_go_out_on_both_channels(team, wire, advance_clock) -> None:
    ana, lead = make_reviewer(team), make_reviewer(team, role=Role.ADMIN)
    main, spare = make_channel("Main"), make_channel("Spare", role="backup")
    key = make_agent(team)[1]
    submit(key, facts=HARD)
    run_outbox()
    assert _told() == {("request_waiting", main.id, ana.id)}
    Delivery.objects.all().delete()
    advance_clock(seconds=86_401)
    sweep_due()
    run_outbox()
    assert _told() == {
        ("request_escalated", channel.id, person.id)
        for channel in (main, spare)
        for person in (ana, lead)
    }
    Delivery.objects.all().delete()
    submit(key, facts=TAKEOVER)
    run_outbox()
    assert _told() == {
        ("takeover_started", main.id, ana.id),
        ("takeover_started", spare.id, ana.id),
    }


def _told() -> set[tuple[str, Any, Any]]:
    return set(Delivery.objects.values_list("kind", "channel", "user"))


def test_the_backup_is_told_when_the_primary_fails_twice(team, wire, advance_clock) -> None:
    ana = make_reviewer(team)
    make_channel("Main")
    spare = make_channel("Spare", role="backup")
    submit(make_agent(team)[1], facts=HARD)
    wire.failures = [Temporary("down")] * 2
    run_outbox()
    assert Delivery.objects.count() == 1
    advance_clock(seconds=6)
    run_outbox()
    (second,) = Delivery.objects.filter(channel=spare)
    assert (second.user_id, second.status) == (ana.id, "sent")
    advance_clock(seconds=31)
    run_outbox()
    assert Delivery.objects.count() == 2


def test_what_is_left_of_a_person_or_a_channel_that_is_gone(team, wire) -> None:
    ana, bo = make_reviewer(team), make_reviewer(team)
    channel = make_channel()
    key = make_agent(team)[1]
    submit(key, facts=HARD)
    plan_notifications()
    ana.is_active = False
    ana.save()
    run_outbox()
    assert {d.user_id: d.status for d in Delivery.objects.all()} == {
        ana.id: "dropped",
        bo.id: "sent",
    }
    submit(key, facts=HARD)
    plan_notifications()
    channel.enabled = False
    channel.save()
    run_outbox()
    dead = Delivery.objects.get(status="dead")
    assert (dead.user_id, dead.last_error) == (bo.id, "The channel is switched off.")
