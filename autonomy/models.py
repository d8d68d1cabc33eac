"""What is known about actions, what the policy says, and what agents have earned."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from hitlconsole.accounts.models import Agent, Team
from hitlconsole.lib.clock import HitlNow
from hitlconsole.lib.ids import uuid7

LEVEL_CHOICES = (
    (0, "FULL_AUTO"),
    (1, "NOTIFY_ONLY"),
    (2, "SOFT_APPROVAL"),
    (3, "HARD_APPROVAL"),
    (4, "HUMAN_TAKEOVER"),
)
DOMAIN_CHOICES = (("financial", "Financial"), ("pii", "Personal data"), ("regulated", "Regulated"))


class ActionType(models.Model):
    """An admin's registration of what agents may ask for. It can only make things stricter."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True, max_length=2000)
    arguments_schema = models.JSONField(null=True, blank=True)
    reversible = models.BooleanField(null=True, blank=True)
    domains = ArrayField(
        models.CharField(max_length=20, choices=DOMAIN_CHOICES), default=list, blank=True
    )
    cost_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    floor = models.SmallIntegerField(null=True, blank=True, choices=LEVEL_CHOICES)
    side_effects = models.BooleanField(default=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT)
    soft_seconds = models.PositiveIntegerField(null=True, blank=True)
    hard_seconds = models.PositiveIntegerField(null=True, blank=True)
    quorum = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(floor__isnull=True) | models.Q(floor__range=(0, 4)),
                name="action_type_floor",
            ),
            models.CheckConstraint(
                condition=models.Q(cost_usd__isnull=True) | models.Q(cost_usd__gte=0),
                name="action_type_cost",
            ),
        )

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """A published policy. Rows are never changed: the database refuses it."""

    number = models.PositiveIntegerField(primary_key=True)
    document = models.JSONField()
    note = models.TextField(blank=True)
    published_at = models.DateTimeField(db_default=HitlNow(), editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT
    )

    class Meta:
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"policy {self.number}"


class AutonomyProfile(models.Model):
    """How far one agent is trusted with one action type."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="profiles", db_index=False
    )
    action_type = models.CharField(max_length=100)
    level = models.SmallIntegerField(choices=LEVEL_CHOICES, default=2)
    streak = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    class Meta:
        ordering = ("action_type",)
        constraints = (
            models.UniqueConstraint(fields=("agent", "action_type"), name="one_profile"),
            models.CheckConstraint(condition=models.Q(level__range=(0, 4)), name="profile_level"),
        )

    def __str__(self) -> str:
        return f"{self.agent_id} {self.action_type}"


class Evaluation(models.Model):
    """One level decision: what went in, what came out. Rows are never changed.

    `request_id` is a plain value: autonomy knows nothing of requests.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request_id = models.UUIDField()
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, db_index=False)
    action_type = models.CharField(max_length=100)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, db_index=False)
    inputs = models.JSONField()
    level = models.SmallIntegerField(choices=LEVEL_CHOICES)
    trace = models.JSONField()
    created_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    class Meta:
        indexes = (models.Index(fields=("request_id",), name="evaluation_request"),)

    def __str__(self) -> str:
        return f"{self.request_id}: {self.get_level_display()}"


class Outcome(models.Model):
    """What became of an approved execution. Each request has at most one."""

    class Result(models.TextChoices):
        SUCCESS = "success", "Success"
        FAILURE = "failure", "Failure"

    request_id = models.UUIDField(primary_key=True)
    agent = models.ForeignKey(
        Agent, on_delete=models.PROTECT, related_name="outcomes", db_index=False
    )
    action_type = models.CharField(max_length=100)
    result = models.CharField(max_length=10, choices=Result.choices)
    source = models.CharField(max_length=20)
    details = models.JSONField(null=True)
    reported_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(result__in=("success", "failure")), name="outcome_result"
            ),
        )
        indexes = (
            # The failures that the takeover rule counts.
            models.Index(
                fields=("agent", "reported_at"),
                name="outcome_failures",
                condition=models.Q(result="failure"),
            ),
            models.Index(fields=("agent", "action_type", "-reported_at"), name="outcome_agent"),
        )

    def __str__(self) -> str:
        return f"{self.request_id} {self.result}"
