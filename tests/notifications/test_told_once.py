"""Nobody is told the same thing twice because something came late, or failed for two at once."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections, transaction

from approvals.models import Delivery, Notice, NotificationChannel
from approvals.notifications.failover import plan_backup
from approvals.notifications.outbox import run_outbox
from approvals.notifications.planner import MOST_WAITS, WAIT, plan_notifications
from approvals.services.deadlines import sweep_due
from hitlconsole.accounts.models import Team, User
from tests.approvals.helpers import reload
from tests.factories import HARD, make_agent, make_reviewer, make_team, submit
from tests.notifications.conftest import make_channel
from tests.peers.slack import SlackPeer
from tests.peers.smtp import SMTPPeer


def test_an_escalation_overtakes_what_was_not_told_yet(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User,
    advance_clock: Callable[..., None],
) -> None:  # fmt: skip
    """It was never told of before: the tier is told anew, and once."""
    smtp.expect_only("ana@example.com")
    request = submit(key)
    advance_clock(seconds=301)
    sweep_due()
    assert (reload(request).status, reload(request).reason) == ("escalated", "no_notice")
    run_outbox()
    assert "was escalated" in str(smtp.mails[0]["Subject"])
    assert [one.notification.kind for one in Notice.objects.all()] == ["request_escalated"]


def test_an_escalation_overtakes_a_message_that_could_not_be_sent(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User,
    advance_clock: Callable[..., None],
) -> None:  # fmt: skip
    smtp.expect_only("ana@example.com")
    smtp.stop()
    submit(key)
    run_outbox()
    advance_clock(seconds=301)
    sweep_due()
    smtp.start()
    run_outbox()
    assert "was escalated" in str(smtp.mails[0]["Subject"])
    assert dict(Delivery.objects.values_list("kind", "status")) == {
        "request_waiting": "dropped",
        "request_escalated": "sent",
    }


def test_time_limits_come_first_but_nobody_waits_for_them_long(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User,
    advance_clock: Callable[..., None],
) -> None:  # fmt: skip
    """Whoever enforces them is away: people are told all the same, after some seconds."""
    smtp.expect_only("ana@example.com")
    submit(key)
    advance_clock(seconds=301)
    for _ in range(MOST_WAITS):
        assert run_outbox() == 0
        advance_clock(seconds=WAIT.total_seconds())
    assert smtp.mails == []
    assert run_outbox() == 1
    assert "waits for a decision" in str(smtp.mails[0]["Subject"])


def test_another_tier_is_told_besides(
    smtp: SMTPPeer, mail_channel: NotificationChannel, key: str, ana: User,
    advance_clock: Callable[..., None],
) -> None:  # fmt: skip
    smtp.expect_only("ana@example.com", "ana@example.com")
    submit(key, facts=HARD)
    advance_clock(seconds=86_401)
    sweep_due()
    run_outbox()
    kinds = Notice.objects.values_list("notification__kind", "notification__tier")
    assert sorted(kinds) == [("request_escalated", 1), ("request_waiting", 0)]


def test_the_backup_is_told_once_of_all_who_missed_a_mail(
    smtp: SMTPPeer, slack: SlackPeer, mail_channel: NotificationChannel,
    slack_channel: NotificationChannel, team: Team, key: str, ana: User,
) -> None:  # fmt: skip
    NotificationChannel.objects.filter(pk=slack_channel.pk).update(role="backup")
    ben = make_reviewer(team, "ben@example.com")
    slack.expect_call("chat.postMessage")
    smtp.refusals = {"ana@example.com": "550 gone", "ben@example.com": "550 gone"}
    submit(key, facts=HARD)
    run_outbox()
    posted = Delivery.objects.get(transport="slack")
    assert (posted.status, posted.people) == ("sent", [ana.id])
    assert Counter(Delivery.objects.values_list("user", "status")) == {
        (ana.id, "dead"): 1,
        (ben.id, "dead"): 1,
        (None, "sent"): 1,
    }


def test_two_mails_that_fail_at_once_plan_one_backup(committed_db: str) -> None:
    team = make_team()
    people = [make_reviewer(team) for _ in range(4)]
    make_channel("email")
    make_channel("webhook", role="backup")
    key = make_agent(team)[1]
    for number in range(10):
        request = submit(key, facts=HARD, description=f"race {number}")
        plan_notifications()
        mails = list(Delivery.objects.filter(items__request=request, transport="email"))
        assert len(mails) == len(people)
        barrier = threading.Barrier(len(mails))

        def fail(mail: Delivery, barrier: threading.Barrier = barrier) -> None:
            try:
                with transaction.atomic():
                    mail.status = Delivery.Status.DEAD
                    mail.save()
                    barrier.wait(timeout=20)
                    plan_backup(mail)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(mails)) as pool:
            list(pool.map(fail, mails))
        backups = Delivery.objects.filter(items__request=request, transport="webhook")
        assert backups.count() == 1
