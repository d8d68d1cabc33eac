"""What has to be told because of a change, and the messages by which it is told."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from approvals.models.requests import ApprovalRequest
from approvals.models.takeovers import Takeover
from hitlconsole.accounts.models import Team
from hitlconsole.lib.clock import HitlNow
from hitlconsole.lib.ids import uuid7


class Notification(models.Model):
    """News, written in the transaction of what it tells (the outbox).

    Whom it concerns, and on which channels, is worked out afterwards: that makes its deliveries.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        PLANNED = "planned", "Planned"
        DEAD = "dead", "Given up"

    class Kind(models.TextChoices):
        WAITING = "request_waiting", "A request waits"
        NOTIFY = "request_notify", "An action was approved by itself"
        REMINDER = "request_reminder", "A request still waits"
        ESCALATED = "request_escalated", "A request was escalated"
        ASKED = "request_asked", "An agent was asked"
        ANSWERED = "request_answered", "An agent answered"
        EXPIRED = "request_expired", "A request expired"
        CLOSED = "request_closed", "A request was closed"
        TAKEOVER = "takeover_started", "An agent was taken over"
        TAKEOVER_REMINDER = "takeover_reminder", "A stopped agent still waits"
        TAKEOVER_ESCALATED = "takeover_escalated", "Nobody has looked after a stopped agent"
        RELEASED = "takeover_released", "An agent was released"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, db_index=False)
    request = models.ForeignKey(
        ApprovalRequest, null=True, on_delete=models.PROTECT, db_index=False
    )
    takeover = models.ForeignKey(Takeover, null=True, on_delete=models.PROTECT, db_index=False)
    tier = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    planned_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(
                fields=("next_attempt_at",),
                name="notification_due",
                condition=models.Q(status="queued"),
            ),
            models.Index(
                fields=("created_at",),
                name="notification_dead",
                condition=models.Q(status="dead"),
            ),
            models.Index(fields=("request",), name="notification_request"),
            models.Index(
                fields=("takeover",),
                name="notification_takeover",
                condition=models.Q(takeover__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class Notice(models.Model):
    """A notification as one person sees it in the console."""

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("notification", "user"), name="notice_once"),
        )
        indexes = (
            models.Index(fields=("user", "-id"), name="notice_user"),
            models.Index(
                fields=("user",), name="notice_unread", condition=models.Q(read_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"{self.notification_id} for {self.user_id}"


class Transport(models.TextChoices):
    """By which means a message travels."""

    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack"
    WEBHOOK = "webhook", "Webhook"
    APPRISE = "apprise", "Apprise"
    CALLBACK = "callback", "Agent callback"


class NotificationChannel(models.Model):
    """A configured way out of the console. Without a team it serves all of them.

    `config` is plain, `secrets` a sealed JSON object (hitlconsole.lib.secretbox). `readers`:
    the people who are known to read a shared channel, where the transport cannot tell.
    """

    class Role(models.TextChoices):
        PRIMARY = "primary", "Primary"
        BACKUP = "backup", "Backup"
        NAMED = "named", "Only where a tier names it"
        EVERYTHING = "everything", "Gets all news of the team"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(
        max_length=10, choices=[c for c in Transport.choices if c[0] != Transport.CALLBACK]
    )
    name = models.CharField(max_length=80)
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.CASCADE, related_name="channels"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.PRIMARY)
    enabled = models.BooleanField(default=True)
    config = models.JSONField(default=dict)
    secrets = models.TextField(blank=True)
    readers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "name"), name="channel_name", nulls_distinct=False
            ),
        )

    def __str__(self) -> str:
        return self.name


class ChannelIdentity(models.Model):
    """Who an account of another system is: a workspace and a user there, and a person here."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="channel_identities"
    )
    kind = models.CharField(max_length=10, choices=Transport.choices)
    workspace = models.CharField(max_length=64)
    external_id = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "channel identities"
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "workspace", "external_id"), name="channel_identity_once"
            ),
            models.UniqueConstraint(
                fields=("kind", "workspace", "user"), name="channel_identity_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.external_id} in {self.workspace}"


class Delivery(models.Model):
    """One message to one receiver, which may tell of several notifications at once.

    Its id is what receivers recognise repeats by. `people` are those it is addressed to;
    `provider_ref` is the receiver's name for the message; `updates` is an earlier message that
    this one brings up to date.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        DEAD = "dead", "Given up"
        DROPPED = "dropped", "Not needed any more"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel = models.ForeignKey(
        NotificationChannel,
        null=True,
        on_delete=models.SET_NULL,
        related_name="deliveries",
        db_index=False,
    )
    transport = models.CharField(max_length=10, choices=Transport.choices)
    kind = models.CharField(max_length=20, choices=Notification.Kind.choices)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
    )
    people = ArrayField(models.UUIDField(), default=list)
    address = models.TextField(blank=True)
    updates = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    provider_ref = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = (
            models.Index(
                fields=("next_attempt_at",),
                name="delivery_due",
                condition=models.Q(status="queued"),
            ),
            models.Index(
                fields=("channel", "user", "created_at"),
                name="delivery_burst",
                condition=models.Q(channel__isnull=False),
            ),
            models.Index(fields=("-created_at", "-id"), name="delivery_recent"),
            models.Index(
                fields=("team", "-created_at", "-id"),
                name="delivery_trouble",
                condition=models.Q(status__in=["queued", "dead"]),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} by {self.transport}, {self.status}"


class DeliveryItem(models.Model):
    """One notification in a delivery."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    request = models.ForeignKey(
        ApprovalRequest, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    takeover = models.ForeignKey(
        Takeover, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("delivery", "notification"), name="delivery_item_once"),
        )
        indexes = (
            models.Index(
                fields=("request",),
                name="delivery_item_request",
                condition=models.Q(request__isnull=False),
            ),
            models.Index(
                fields=("takeover",),
                name="delivery_item_takeover",
                condition=models.Q(takeover__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.notification_id} in {self.delivery_id}"


class DeliveryAttempt(models.Model):
    """One try, on record before it is made. Without an outcome its end is not known."""

    class Outcome(models.TextChoices):
        SENT = "sent", "Accepted"
        TEMPORARY = "temporary", "Failed for now"
        PERMANENT = "permanent", "Refused"

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="tries", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, null=True)  # noqa: DJ001
    response_status = models.PositiveSmallIntegerField(null=True)
    response = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("delivery", "number"), name="delivery_attempt_once"),
        )

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"


class CallbackSecret(models.Model):
    """What an agent's callbacks are signed with; the former one stays valid for a while."""

    agent = models.OneToOneField(
        "accounts.Agent", primary_key=True, on_delete=models.CASCADE, related_name="callback_secret"
    )
    secret = models.TextField()
    former = models.TextField(blank=True)
    former_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"callback secret of {self.agent_id}"


class DecisionLink(models.Model):
    """A link in an e-mail to one person about one revision of one request; used once.

    Only digests are kept: of the token in the link, and of the code beside it.
    """

    digest = models.BinaryField(primary_key=True, max_length=32)
    code_digest = models.BinaryField(max_length=32)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="links", db_index=False
    )
    request = models.ForeignKey(
        ApprovalRequest, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    revision = models.PositiveIntegerField()
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"decision link of {self.user_id}"
