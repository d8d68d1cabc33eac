"""Whatever goes wrong with one message or one team, the others go on, and nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from approvals.escalation.policy import EscalationPolicy, Target, TargetKind, Tier
from approvals.models import (
    CallbackSecret,
    Delivery,
    DeliveryAttempt,
    Notification,
    NotificationChannel,
    OnCallRotation,
    TeamEscalation,
)
from approvals.notifications import outbox
from approvals.notifications.channels.base import Outgoing, Permanent, Receipt, Temporary
from approvals.notifications.channels.registry import SENDERS
from approvals.notifications.outbox import attempt, run_outbox, send_deliveries
from approvals.notifications.planner import plan_notifications
from hitlconsole.accounts.models import Team, User
from hitlconsole.lib.clock import database_now
from tests.approvals.helpers import decide
from tests.factories import HARD, make_reviewer, submit
from tests.notifications.conftest import make_channel


def answer_with(monkeypatch: pytest.MonkeyPatch, send: Any) -> None:
    monkeypatch.setattr(outbox, "SENDERS", dict.fromkeys(SENDERS, send))


def claim() -> list[Any]:
    """What a worker does before its attempts."""
    limits: dict[str, Any] = {"limit": 10, "lease": outbox.LEASE}
    with connection.cursor() as cursor:
        cursor.execute(outbox._CLAIM, limits)
        return list(cursor.fetchall())


@pytest.mark.parametrize(
    "failure",
    [
        Temporary("said \x00 nothing", response="\x00"),
        Temporary("half a pair \ud800", response="\udfff"),
        Temporary("an answer that is none", status=-1),
        ValueError("a fault of the channel's own \x00"),
    ],
)
def test_whatever_a_receiver_says_is_on_record(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User, failure: Exception
) -> None:
    make_channel("email")

    def fail(message: Outgoing) -> Receipt:
        raise failure

    answer_with(monkeypatch, fail)
    submit(key, facts=HARD)
    run_outbox()
    tried = DeliveryAttempt.objects.get()
    assert (tried.outcome, tried.response_status) == ("temporary", None)
    assert "\x00" not in tried.error
    assert Delivery.objects.get().last_error == tried.error


def test_whatever_a_receipt_says_the_message_is_sent_once(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User
) -> None:
    make_channel("email")
    receipt = Receipt(reference="r" * 300, status=99_999, response="\x00 thanks \ud800")
    answer_with(monkeypatch, lambda message: receipt)
    submit(key, facts=HARD)
    assert run_outbox() == 1
    assert Delivery.objects.get().status == "sent"
    assert DeliveryAttempt.objects.get().response == "\ufffd thanks ?"


def test_a_backup_that_cannot_be_planned_does_not_undo_the_record(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    key: str,
    ana: User,
    advance_clock: Any,
) -> None:
    make_channel("email")

    def refuse(message: Outgoing) -> Receipt:
        raise Permanent("gone", status=550)

    def fail(delivery: Delivery) -> None:
        raise RuntimeError("no plan")

    answer_with(monkeypatch, refuse)
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "plan_backup", fail)
        submit(key, facts=HARD)
        run_outbox()
    assert "no plan" in caplog.text
    failed = Delivery.objects.get()
    assert (failed.status, failed.tries.get().outcome) == ("queued", "permanent")
    make_channel("email", name="backup", role="backup")
    advance_clock(seconds=6)
    send_deliveries()
    assert list(Delivery.objects.values_list("status", flat=True).order_by("created_at")) == [
        "dead", "queued",
    ]  # fmt: skip


def test_an_attempt_that_comes_too_late_is_not_made(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User, advance_clock: Any
) -> None:
    """A slow batch: before its turn came, another worker had the message, and sent it."""
    make_channel("email")
    sent: list[Outgoing] = []

    def accept(message: Outgoing) -> Receipt:
        sent.append(message)
        return Receipt()

    answer_with(monkeypatch, accept)
    submit(key, facts=HARD)
    plan_notifications()
    ((delivery_id, number),) = claim()
    advance_clock(seconds=61)
    assert send_deliveries() == (1, 1)
    assert attempt(delivery_id, number) is False
    assert len(sent) == 1
    assert Delivery.objects.get().status == "sent"
    assert list(DeliveryAttempt.objects.order_by("number").values_list("outcome", flat=True)) == [
        None, "sent",
    ]  # fmt: skip


def test_an_attempts_lease_begins_with_the_attempt(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User, advance_clock: Any
) -> None:
    make_channel("email")
    ahead: list[timedelta] = []

    def look(message: Outgoing) -> Receipt:
        due = Delivery.objects.get(pk=message.id).next_attempt_at
        assert due is not None
        ahead.append(due - database_now())
        return Receipt()

    answer_with(monkeypatch, look)
    submit(key, facts=HARD)
    plan_notifications()
    ((delivery_id, number),) = claim()
    advance_clock(seconds=50)
    assert attempt(delivery_id, number) is True
    assert ahead[0] > timedelta(seconds=55)


def test_the_backup_is_told_where_the_second_failure_was_never_recorded(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User, team: Team, advance_clock: Any
) -> None:
    """A worker died in the second attempt; the third one fails."""
    make_channel("email")
    backup = make_channel("email", name="backup", role="backup")

    def fail(message: Outgoing) -> Receipt:
        raise Temporary("down")

    answer_with(monkeypatch, fail)
    submit(key, facts=HARD)
    run_outbox()
    advance_clock(seconds=6)
    claim()
    advance_clock(seconds=61)
    send_deliveries()
    assert Delivery.objects.filter(channel=backup).count() == 1


def test_a_channel_of_an_unknown_kind_keeps_nobody_from_being_told(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User
) -> None:
    make_channel("email")
    make_channel("pigeon")
    answer_with(monkeypatch, lambda message: Receipt())
    for number in range(5):
        submit(key, facts=HARD, description=f"Refund {number}")
    plan_notifications()
    assert list(Notification.objects.values_list("status", flat=True).distinct()) == ["planned"]


def test_whoever_is_added_to_a_message_is_named_by_it(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User, team: Team, advance_clock: Any
) -> None:
    """A message that collects a burst grows only for people whom it is addressed to."""
    ben = make_reviewer(team)
    channel = make_channel("apprise")
    channel.readers.set([ana, ben])
    for number in range(4):
        submit(key, facts=HARD, description=f"Refund {number}")
    advance_clock(seconds=1)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    plan_notifications()
    User.objects.filter(pk=ben.pk).update(is_active=True)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    later = [submit(key, facts=HARD, description=f"Later {number}") for number in range(4)]
    plan_notifications()
    told = Delivery.objects.filter(items__request__in=later)
    assert [one.people for one in told.distinct()] == [[ben.pk]]


def test_a_policy_that_cannot_be_read_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    key: str,
    ana: User,
    team: Team,
) -> None:
    make_channel("email")
    TeamEscalation.objects.create(team=team, document={"tiers": "none"}, last_tier=3)
    answer_with(monkeypatch, lambda message: Receipt())
    submit(key, facts=HARD)
    assert run_outbox() == 1
    assert "escalation policy" in caplog.text


def test_a_rotation_whose_zone_is_unknown_keeps_nobody_from_being_told(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    key: str,
    ana: User,
    team: Team,
) -> None:
    """Zones come and go with the machine's own table of them."""
    make_channel("email")
    rotation = OnCallRotation.objects.create(
        team=team, name="Phone", people=[ana.pk], handover="daily", at="09:00",
        timezone="Mars/Olympus", starts_on="2026-01-01",
    )  # fmt: skip
    on_call = Target(TargetKind.ROTATION, rotation.pk)
    document = EscalationPolicy((Tier("Phone", (on_call,)),)).to_json()
    TeamEscalation.objects.create(team=team, document=document, last_tier=0)
    answer_with(monkeypatch, lambda message: Receipt())
    submit(key, facts=HARD)
    assert run_outbox() == 1
    assert "Mars/Olympus" in caplog.text


def test_a_secret_that_cannot_be_opened_is_a_failure_of_its_channel_alone(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User
) -> None:
    make_channel("email")
    NotificationChannel.objects.create(kind="slack", name="broken", secrets="sealed elsewhere")
    sent: list[str] = []

    def accept(message: Outgoing) -> Receipt:
        sent.append(message.transport)
        return Receipt()

    answer_with(monkeypatch, accept)
    submit(key, facts=HARD)
    run_outbox()
    assert sent == ["email"]
    broken = Delivery.objects.get(transport="slack")
    assert (broken.status, broken.attempts) == ("queued", 1)
    assert "HITL_ENCRYPTION_KEYS" in broken.last_error


def test_a_callback_secret_that_cannot_be_opened_is_a_failure_on_record(
    monkeypatch: pytest.MonkeyPatch, key: str, ana: User
) -> None:
    request = submit(key, facts=HARD, callback_url="https://example.com/hook")
    CallbackSecret.objects.create(agent_id=request.agent_id, secret="sealed elsewhere")
    answer_with(monkeypatch, lambda message: Receipt())
    decide(request, make_reviewer(request.team), "reject")
    run_outbox()
    told = Delivery.objects.get(transport="callback")
    assert "HITL_ENCRYPTION_KEYS" in told.last_error
