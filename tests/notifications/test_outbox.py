"""The outbox: attempts on record before they are made, repeats that are one notice."""

from datetime import timedelta

import pytest
from django.db import connections

from approvals.models import Delivery, Notice
from approvals.notifications.outbox import MAX_ATTEMPTS, recipients, send_deliveries
from hitlconsole.accounts.models import Role
from tests.factories import HARD, TAKEOVER, make_agent, make_reviewer, make_team, submit


@pytest.fixture
def team(db):
    return make_team()


def test_the_teams_reviewers_get_one_notice_each(team) -> None:
    ana, bo = make_reviewer(team), make_reviewer(team)
    make_reviewer(team, role=Role.COMPLIANCE)
    make_reviewer(make_team("Support"))
    submit(make_agent(team)[1], facts=HARD)
    assert send_deliveries() == 1
    assert send_deliveries() == 0
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == ("sent", 1)
    assert {n.user_id for n in Notice.objects.all()} == {ana.id, bo.id}


def test_a_repeat_after_a_crash_is_the_same_notice(team) -> None:
    make_reviewer(team)
    submit(make_agent(team)[1], facts=HARD)
    send_deliveries()
    Delivery.objects.update(status="queued", next_attempt_at=Delivery.objects.get().created_at)
    assert send_deliveries() == 1
    assert (Delivery.objects.get().attempts, Notice.objects.count()) == (2, 1)


def test_an_attempt_without_an_end_comes_up_again_after_a_pause(team, advance_clock) -> None:
    """What a worker leaves that died between the attempt's record and the sending."""
    make_reviewer(team)
    request = submit(make_agent(team)[1], facts=HARD)
    Delivery.objects.update(attempts=1, next_attempt_at=request.created_at + timedelta(seconds=5))
    assert send_deliveries() == 0
    advance_clock(seconds=6)
    assert send_deliveries() == 1


def test_failures_are_noted_wait_longer_and_end_as_dead(committed_db, advance_clock) -> None:
    team = make_team()
    make_reviewer(team)
    submit(make_agent(team)[1], facts=HARD)
    owner = connections["owner" if "owner" in connections.databases else "default"]
    with owner.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_notice RENAME TO out_of_reach")
    pauses = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert send_deliveries() == 0
        delivery = Delivery.objects.get()
        assert delivery.attempts == attempt
        assert "approvals_notice" in delivery.last_error
        pauses.append(round((delivery.next_attempt_at - delivery.attempted_at).total_seconds()))
        advance_clock(seconds=pauses[-1] + 1)
    assert pauses == [min(5 * 2**n, 21_600) for n in range(MAX_ATTEMPTS)]
    assert delivery.status == "dead"
    assert send_deliveries() == 0


def test_takeovers_and_later_tiers_reach_admins_too(team) -> None:
    ana, lead = make_reviewer(team), make_reviewer(team, role=Role.ADMIN)
    _, key = make_agent(team)
    submit(key, facts=HARD)
    submit(key, facts=TAKEOVER)
    waiting = Delivery.objects.get(kind="request_waiting")
    assert recipients(waiting) == {ana.id}
    assert recipients(Delivery.objects.get(kind="takeover_started")) == {ana.id, lead.id}
    waiting.tier = 1
    assert recipients(waiting) == {ana.id, lead.id}
