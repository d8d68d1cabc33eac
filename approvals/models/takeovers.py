"""Agents that were stopped, and who was there to see what waits."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from approvals.models.requests import ApprovalRequest, choices_of
from approvals.vocabulary import TakeoverStatus
from hitlconsole.accounts.models import Agent, Team
from hitlconsole.lib.ids import uuid7


class Takeover(models.Model):
    """An agent was stopped and a person carries on. At most one is open for an agent."""

    class Source(models.TextChoices):
        POLICY = "policy", "Policy"
        REVIEWER = "reviewer", "Reviewer"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.PROTECT, related_name="takeovers", db_index=False
    )
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, related_name="takeovers", db_index=False
    )
    request = models.ForeignKey(
        ApprovalRequest, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    source = models.CharField(max_length=10, choices=Source.choices)
    status = models.CharField(max_length=10, choices=choices_of(TakeoverStatus))
    reason = models.TextField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    open_request_ids = ArrayField(models.UUIDField(), default=list)
    started_at = models.DateTimeField()
    # The clock of the acknowledgement; it stops when a person says that they have it.
    tier = models.PositiveSmallIntegerField(default=0)
    acknowledge_seconds = models.PositiveIntegerField(default=900)
    waiting_since = models.DateTimeField(null=True)
    acknowledge_by = models.DateTimeField()
    reminder_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    notes = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("agent",), name="one_open_takeover", condition=models.Q(status="open")
            ),
        )
        indexes = (
            models.Index(
                fields=("team", "acknowledge_by"),
                name="takeover_open",
                condition=models.Q(status="open"),
            ),
            models.Index(
                fields=("acknowledge_by",),
                name="takeover_due",
                condition=models.Q(status="open", acknowledged_at__isnull=True),
            ),
            models.Index(fields=("agent", "-started_at"), name="takeover_agent"),
        )

    def __str__(self) -> str:
        return f"takeover of {self.agent_id}"


class Presence(models.Model):
    """A stretch of time for which a person had a team's live queue open in a visible tab."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, db_index=False)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("team", "last_seen_at"), name="presence_team"),)

    def __str__(self) -> str:
        return f"{self.user_id} on {self.team_id}"
