"""A person's own quiet hours hold back what only tells, from this person alone."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.mail import EmailMessage

from approvals.models import Delivery, NotificationChannel, TeamEscalation
from approvals.notifications.outbox import run_outbox
from approvals.notifications.planner import plan_notifications
from approvals.services.tiers import escalations_of
from audit.events import SYSTEM
from autonomy.services import move_profile
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Agent, Preferences, Team, User
from hitlconsole.accounts.profile import Preferred, set_preferences
from hitlconsole.lib.clock import database_now
from tests.factories import AUTO, HARD, make_reviewer, submit

Advance = Callable[..., None]
HOUR = timedelta(hours=1)
ZONE = "Asia/Tokyo"


@pytest.fixture
def ben(team: Team) -> User:
    return make_reviewer(team, "ben@example.com")


@pytest.fixture
def telling(key: str) -> str:
    """The key of an agent whose actions go ahead by themselves, and are told of."""
    move_profile(
        agent=Agent.objects.get(name="billing-bot"),
        action_type="refund.create",
        level=Level.NOTIFY_ONLY,
        reason="it did well",
        by=SYSTEM,
    )
    return key


def this_minute() -> datetime:
    return database_now().replace(second=0, microsecond=0)


def be_quiet(user: User, until: datetime, zone: str = ZONE) -> None:
    here = [moment.astimezone(ZoneInfo(zone)).time() for moment in (until - 2 * HOUR, until)]
    set_preferences(user, Preferred(5, here[0], here[1], zone))


def attempts(user: User) -> list[datetime]:
    return [one.next_attempt_at for one in Delivery.objects.filter(user=user).order_by("id")]


def test_news_for_one_person_waits_for_the_end_of_their_quiet_hours(
    ana: User,
    ben: User,
    telling: str,
    mail_channel: NotificationChannel,
    mailoutbox: list[EmailMessage],
    advance_clock: Advance,
) -> None:
    end = this_minute() + HOUR
    be_quiet(ana, end)
    submit(telling, facts=AUTO)
    run_outbox()
    assert [mail.to for mail in mailoutbox] == [["ben@example.com"]]
    assert attempts(ana) == [end]
    advance_clock(seconds=(end - database_now()).total_seconds() + 1)
    run_outbox()
    assert [mail.to for mail in mailoutbox] == [["ben@example.com"], ["ana@example.com"]]


def test_what_waits_for_somebody_is_sent_at_any_hour(
    ana: User, key: str, mail_channel: NotificationChannel, mailoutbox: list[EmailMessage]
) -> None:
    be_quiet(ana, this_minute() + HOUR)
    submit(key, facts=HARD)
    run_outbox()
    assert [mail.to for mail in mailoutbox] == [["ana@example.com"]]


def test_a_message_that_others_read_too_is_not_held_back(
    ana: User, telling: str, slack_channel: NotificationChannel
) -> None:
    be_quiet(ana, this_minute() + HOUR)
    submit(telling, facts=AUTO)
    before = database_now()
    plan_notifications()
    [message] = Delivery.objects.all()
    assert (message.user_id, before <= message.next_attempt_at <= database_now()) == (None, True)


def test_the_own_quiet_hours_begin_where_the_teams_end(
    team: Team, ana: User, telling: str, mail_channel: NotificationChannel
) -> None:
    team_end, own_end = this_minute() + HOUR, this_minute() + 2 * HOUR
    policy = escalations_of({team.id})[team.id]
    document = policy.to_json() | {
        "quiet": {
            "start": (team_end - 2 * HOUR).astimezone(UTC).strftime("%H:%M"),
            "end": team_end.astimezone(UTC).strftime("%H:%M"),
            "timezone": "UTC",
            "weekdays": list(range(7)),
        }
    }
    TeamEscalation.objects.create(team=team, document=document, last_tier=policy.last_tier)
    be_quiet(ana, own_end)
    submit(telling, facts=AUTO)
    plan_notifications()
    assert attempts(ana) == [own_end]


def test_after_their_hours_news_is_sent_at_once(
    ana: User, telling: str, mail_channel: NotificationChannel, mailoutbox: list[EmailMessage]
) -> None:
    be_quiet(ana, this_minute())
    submit(telling, facts=AUTO)
    run_outbox()
    assert [mail.to for mail in mailoutbox] == [["ana@example.com"]]


def test_a_zone_that_is_no_more_silences_nobody(
    ana: User,
    telling: str,
    mail_channel: NotificationChannel,
    mailoutbox: list[EmailMessage],
    caplog: pytest.LogCaptureFixture,
) -> None:
    Preferences.objects.create(
        user=ana, quiet_start=time(0), quiet_end=time(23, 59), time_zone="Mars/Olympus"
    )
    submit(telling, facts=AUTO)
    run_outbox()
    assert [mail.to for mail in mailoutbox] == [["ana@example.com"]]
    assert [r.levelname for r in caplog.records if "quiet hours" in r.message] == ["ERROR"]
