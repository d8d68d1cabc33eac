"""The health page and the auditor behind it, with each promise broken once."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.console.health import load_health, load_hours
from approvals.health import differing_clocks, findings, is_well, pulses
from approvals.metrics import render_metrics
from approvals.models import ApprovalRequest, Delivery, Notification
from approvals.services.auditing import audit
from approvals.services.deadlines import sweep_due
from approvals.tasks import note_beat, prune_heartbeats
from hitlconsole.accounts.models import Role, User
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.heartbeats import Service, record_heartbeat
from hitlconsole.lib.models import Heartbeat
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import HARD, TAKEOVER, make_agent, make_reviewer, submit
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
    held = submit(make_agent(house.team)[1], facts=HARD)
    decide(held, house.ana, "approve", hold_seconds=5, token="one")
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
        "overdue_holds",
        "overdue_approvals",
        "overdue_takeovers",
        "stuck_notifications",
        "stuck_deliveries",
        "dead_letters",
        "clocks_differ",
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


def test_clocks_that_differ_are_a_warning(house: House, advance_clock: Callable[..., None]) -> None:
    all_alive()
    advance_clock(seconds=4)
    assert findings() == []
    advance_clock(seconds=3)
    (found,) = findings()
    assert (found.code, found.severity) == ("clocks_differ", "warning")
    assert found.detail.endswith(" s ahead of this machine's")


def test_a_slow_answer_is_no_difference_of_clocks() -> None:
    now = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert differing_clocks(now, now - minute, now + minute) == []
    (behind,) = differing_clocks(now, now + minute, now + minute)
    assert behind.detail == "the database's clock is 1 min behind this machine's"


def test_nothing_that_is_looked_up_again_and_again_reads_through_history(house: House) -> None:
    submit(house.key, facts=HARD)
    with CaptureQueriesContext(connection) as asked:
        render_metrics()
        load_health()
    plans = [
        line
        for query in dict.fromkeys(one["sql"] for one in asked.captured_queries)
        for line in explain(query)
    ]
    # What may change from row to row cannot be searched for in an index.
    assert [line for line in plans if "hitl_now" in line and "Filter" in line] == []
    scanned = {name for line in plans for name in re.findall(r"Seq Scan on (\w+)", line)}
    assert scanned == set()


def explain(query: str) -> list[str]:
    """The plan where an index is taken wherever one can serve."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {query}")
        return [line for (line,) in cursor.fetchall()]


def test_what_is_looked_up_does_not_grow_with_what_is_found(house: House) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            render_metrics()
            load_health()
        return len(asked)

    before = count()
    for _ in range(10):
        submit(house.key, facts=HARD)
    assert count() == before


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
    (web,) = [pulse for pulse in pulses(database_now()) if pulse.service is Service.WEB]
    assert web.instances == 2
    advance_clock(days=31)
    assert prune_heartbeats() == 3


def test_the_page_is_for_admins_and_compliance(house: House, ana: Client, admin: Client) -> None:
    assert ana.get(reverse("console:health")).status_code == 403
    submit(house.key)
    text = read(admin.get(reverse("console:health"))).text
    assert "Something is not as promised" in text
    assert "worker-due gives no sign of life" in text.lower()


def test_only_who_may_see_it_finds_it_in_the_navigation(
    house: House, ana: Client, admin: Client, as_person: Callable[[User], Client]
) -> None:
    address = f'href="{reverse("console:health")}"'
    compliance = make_reviewer(house.team, "check@example.com", Role.COMPLIANCE)
    shown = [
        address in client.get("/agents/").content.decode()
        for client in (ana, admin, as_person(compliance))
    ]
    assert shown == [False, True, True]
    assert ana.get(reverse("console:health-delta")).status_code == 403
    assert as_person(compliance).get(reverse("console:health")).status_code == 200


def test_the_open_page_is_kept_up_to_date(house: House, admin: Client) -> None:
    all_alive()
    page = admin.get(reverse("console:health")).content.decode()
    first = ask_delta(admin)
    assert set(first["rows"]) == {"health"}
    assert set(first["rows"]["health"]) == set(re.findall(r'data-slot="(\w+)"', page))
    assert "Every promise is kept" in first["rows"]["health"]["state"]
    assert "Nothing waits for people" in first["rows"]["health"]["waiting"]
    submit(house.key, facts=HARD)
    submit(house.key, facts=HARD)
    submit(house.key)
    Delivery.objects.create(
        transport="slack", kind="request_waiting", team=house.team, status="dead",
        created_at=database_now(),
    )  # fmt: skip
    second = ask_delta(admin)["rows"]["health"]
    assert second["state"].count("Running, with something to look at") == 1
    waiting = [(one.level, one.count) for one in load_health()["waiting"]]
    assert waiting == [(3, 2), (2, 1)]
    assert load_health()["deliveries"] == [("Slack", [0, 0, 1, 0])]
    assert "Messages given up: 1" in second["findings"]
    figures = re.findall(r'<td class="num" data-label="([\w ]+)">(\d+)', second["deliveries"])
    assert figures == [("To send", "0"), ("Sent", "0"), ("Given up", "1"), ("Dropped", "0")]


def ask_delta(client: Client) -> dict[str, Any]:
    answer = client.get(reverse("console:health-delta"))
    assert answer.status_code == 200
    body: dict[str, Any] = json.loads(answer.content)
    return body


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
    *earlier, last = load_hours(database_now())
    assert [hour.total for hour in earlier] == [0] * 23
    assert (last.human, last.silent, last.expired) == (1, 0, 1)
    assert last.bars == (("human", 30, 30), ("expired", 0, 30))


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
