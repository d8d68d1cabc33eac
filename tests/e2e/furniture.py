"""Everything that the pages of escalation, channels and health have a place for."""

from datetime import timedelta
from urllib.parse import urlsplit

from approvals.models import (
    Absence,
    ApprovalRequest,
    ChannelIdentity,
    Delivery,
    DeliveryAttempt,
    Notice,
    Notification,
    NotificationChannel,
    OnCallRotation,
    RotationOverride,
)
from approvals.services.decision_links import make_link
from approvals.services.escalations import save_escalation
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now
from tests.e2e.conftest import Console
from tests.factories import make_team
from tests.notifications.conftest import make_channel

LONG = "A_very_long_word_without_any_break_that_a_narrow_screen_has_to_wrap_" * 4


def furnish_escalation(console: Console) -> None:
    """A policy of three tiers with channels of its own, a rotation with a turn taken, an absence.

    The second team makes the list of policies one.
    """
    make_team("Support")
    now, hour = database_now(), timedelta(hours=1)
    rotation = OnCallRotation.objects.create(
        team=console.team, name="Phone " + LONG[:60], people=[console.ana.pk, console.ben.pk],
        handover="weekly", at="09:00", timezone="Europe/Berlin", starts_on="2026-01-05",
    )  # fmt: skip
    RotationOverride.objects.create(
        rotation=rotation, user=console.ben, starts_at=now + 24 * hour, ends_at=now + 36 * hour
    )
    Absence.objects.create(
        user=console.ben, substitute=console.ana, starts_at=now, ends_at=now + 72 * hour
    )
    pager = make_channel("apprise", name="Pager", role="named")
    save_escalation(console.team, _policy(console, rotation, pager), revision=0, by=console.admin)


def _policy(
    console: Console, rotation: OnCallRotation, pager: NotificationChannel
) -> dict[str, object]:
    names = ("Whoever is on call", "Ana, who knows the ledger", "Everybody")
    targets = (
        [{"kind": "rotation", "id": str(rotation.pk)}],
        [{"kind": "person", "id": str(console.ana.pk)}],
        [{"kind": "reviewers", "id": None}, {"kind": "admins", "id": None}],
    )
    minutes = (5, 30, None)
    tiers = [
        {"name": name, "targets": told, "seconds": limit and limit * 60, "primary": [],
         "backup": [str(pager.pk)]}
        for name, told, limit in zip(names, targets, minutes, strict=True)
    ]  # fmt: skip
    quiet = {"start": "20:00", "end": "08:00", "timezone": "Europe/Berlin", "weekdays": [0, 4]}
    return {"tiers": tiers, "repeat": 1, "quiet": quiet, "tell_admins_when_exhausted": True}


def furnish_channels(console: Console) -> list[NotificationChannel]:
    """One of each kind: in use, failing with a long complaint, switched off, of one team."""
    now = database_now()
    ChannelIdentity.objects.create(
        user=console.ana, kind="slack", workspace="T0001", external_id="U0001"
    )
    slack = {"workspace": "T0001", "channel": "C0001"}
    siem = {"url": f"https://siem.example.com/{LONG}"}
    worked, failed = {"last_success_at": now}, {"last_failure_at": now, "last_error": LONG}
    long = "Approvals " + LONG[:60]
    return [
        make_channel("email", name="Mail", config={"subject_prefix": "[HITL]"}, **worked),
        make_channel(
            "slack", name=long, config=slack, team=console.team, role="backup", **worked, **failed
        ),
        make_channel("webhook", name="SIEM", config=siem, role="everything", **failed),
        make_channel("apprise", name="Old pager", enabled=False),
    ]


def furnish_deliveries(
    console: Console, request: ApprovalRequest, channels: list[NotificationChannel]
) -> dict[str, Delivery]:
    """What became of the news of a request: one message of each state."""
    email, slack, webhook, _ = channels
    now = database_now()
    ana = {"user": console.ana, "people": [console.ana.pk], "address": console.ana.email}
    everybody = {"people": [console.ana.pk, console.ben.pk]}
    made = {
        "sent": _delivery(email, request, status="sent", sent_at=now, attempts=1, **ana),
        "dead": _delivery(webhook, request, status="dead", attempts=3, last_error=LONG),
        "again": _delivery(slack, request, attempts=2, next_attempt_at=now, **everybody),
        "queued": _delivery(email, request, next_attempt_at=now, **ana),
        "dropped": _delivery(slack, request, status="dropped", **everybody),
    }
    for number, outcome in enumerate(("temporary", None, "permanent"), start=1):
        DeliveryAttempt.objects.create(
            delivery=made["dead"], number=number, started_at=now, outcome=outcome,
            response_status=503, response=LONG, error="The receiver answered 503.",
        )  # fmt: skip
    return made


def _delivery(channel: NotificationChannel, request: ApprovalRequest, **fields: object) -> Delivery:
    news = Notification.objects.filter(request=request).order_by("-created_at").first()
    assert news is not None
    delivery: Delivery = Delivery.objects.create(
        channel=channel, transport=channel.kind, kind=news.kind, team=request.team,
        created_at=news.created_at, **fields,
    )  # fmt: skip
    delivery.items.create(notification=news, request=request)
    return delivery


def furnish_notices(person: User) -> None:
    """Every second one is read."""
    for number, news in enumerate(Notification.objects.order_by("created_at")):
        read_at = database_now() if number % 2 else None
        Notice.objects.create(notification=news, user=person, read_at=read_at)


def link_to(delivery: Delivery, request: ApprovalRequest, person: User) -> tuple[str, str]:
    """(path of the page behind the link of an e-mail, its code)."""
    link = make_link(delivery, request, person, database_now())
    return urlsplit(link.url).path, link.code
