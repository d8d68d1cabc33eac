"""The health page and the auditor behind it, with each promise broken once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.health import findings, is_well, pulses
from approvals.metrics import render_metrics
from approvals.models import ApprovalRequest, Delivery, Notification
from approvals.services.auditing import audit
from approvals.services.deadlines import sweep_due
from approvals.tasks import note_beat, prune_heartbeats
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.heartbeats import Service, record_heartbeat
from hitlconsole.lib.models import Heartbeat
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import HARD, TAKEOVER, submit
from tests.peers.http import HTTPPeer


def all_alive() -> None:
    for service in Service:
        record_heartbeat(service)


def codes() -> set[str]:
    return {one.code for one in findings()}


def test_all_is_well(house: House, admin: Client) -> None:
    all_alive()
    note_beat()
    assert findings() == []
    assert "Every promise is kept" in admin.get(reverse("console:health")).content.decode()


def test_each_broken_promise_is_found(house: House, advance_clock: Callable[..., None]) -> None:
    request = submit(house.key, facts=HARD)
    decide(submit(house.key, facts=HARD), house.ana, "approve")
    submit(house.key, facts=TAKEOVER)
    Delivery.objects.create(
        transport="email", kind="request_waiting", team=house.team, created_at=request.created_at,
        next_attempt_at=request.created_at,
    )  # fmt: skip
    Delivery.objects.create(
        transport="email", kind="request_waiting", team=house.team, created_at=request.created_at,
        status="dead",
    )  # fmt: skip
    ApprovalRequest.objects.filter(pk=request.pk).update(deadline=request.created_at)
    advance_clock(hours=1)
    assert codes() == {
        "overdue_requests",
        "overdue_approvals",
        "overdue_takeovers",
        "stuck_notifications",
        "stuck_deliveries",
        "dead_letters",
        *(f"silent_{service.value}" for service in Service),
    }
    Notification.objects.update(status="dead")
    assert "lost_notifications" in codes()


def test_only_a_warning_is_well_and_an_error_is_not(house: House) -> None:
    all_alive()
    now = database_now()
    Delivery.objects.create(
        transport="email", kind="request_waiting", team=house.team, status="dead", created_at=now
    )
    assert ([one.code for one in findings()], is_well(findings())) == (["dead_letters"], True)
    Heartbeat.objects.all().delete()
    assert not is_well(findings())


def test_stretches_grow_and_begin_anew_after_a_pause(
    db: None, advance_clock: Callable[..., None]
) -> None:
    for _ in range(3):
        record_heartbeat(Service.WEB, "one")
        advance_clock(seconds=10)
    record_heartbeat(Service.WEB, "two")
    assert Heartbeat.objects.count() == 2
    advance_clock(seconds=31)
    record_heartbeat(Service.WEB, "one")
    stretches = Heartbeat.objects.filter(instance="one").order_by("id")
    lengths = [round((b.last_seen_at - b.started_at).total_seconds()) for b in stretches]
    assert lengths == [20, 0]
    (web,) = [pulse for pulse in pulses() if pulse.service is Service.WEB]
    assert web.instances == 2
    advance_clock(days=31)
    assert prune_heartbeats() == 3


def test_the_page_is_for_admins_and_compliance(house: House, ana: Client, admin: Client) -> None:
    assert ana.get(reverse("console:health")).status_code == 403
    submit(house.key)
    text = read(admin.get(reverse("console:health"))).text
    assert "Something is not as promised" in text
    assert "worker-due gives no sign of life" in text.lower()


def test_the_plot_and_its_table_agree(
    house: House, admin: Client, advance_clock: Callable[..., None]
) -> None:
    decide(submit(house.key, facts=HARD), house.ana, "approve")
    decide(submit(house.key, facts=HARD), house.ana, "reject")
    submit(house.key, facts=HARD)
    advance_clock(seconds=86_401)
    sweep_due()
    advance_clock(seconds=86_401)
    sweep_due()
    decide(submit(house.key, facts=HARD), house.ana, "reject")
    page = admin.get(reverse("console:health")).content.decode()
    assert page.count('class="plot__human"') == 1
    assert page.count('class="plot__expired"') == 1


def test_the_auditor_tells_once_and_calls_the_watch_only_when_well(
    house: House, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
    with HTTPPeer() as watch:
        settings.HEARTBEAT_URL = f"{watch.url}/alive"
        audit()
        audit()
        assert watch.received == []
        told = [record.message for record in caplog.records if "silent_web" in record.message]
        assert told == ["not kept: web gives no sign of life (silent_web)"]
        all_alive()
        watch.expect(lambda one: one.path == "/alive")
        assert audit() == 0
    assert "kept again: silent_web" in caplog.text


def test_metrics_say_what_is_open_and_how_silence_was_told(
    house: House, admin: Client, ana: Client
) -> None:
    all_alive()
    first = submit(house.key, facts=HARD)
    ana.get(f"/requests/{first.id}/")
    decide(first, house.ana, "approve")
    submit(house.key, facts=HARD)
    text = render_metrics().decode()
    assert 'hitl_open_requests{level="HARD_APPROVAL",status="pending",team="Payments"} 1.0' in text
    assert "hitl_time_to_decide_count 1.0" in text
    assert "hitl_time_to_first_look_count 1.0" in text
    assert "hitl_sweep_lag_seconds 0.0" in text
    assert 'hitl_instances{service="web"} 1.0' in text
    assert database_now() - ApprovalRequest.objects.get(pk=first.pk).first_look_at < timedelta(
        minutes=1
    )
