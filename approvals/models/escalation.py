"""Whom a team tells, in which order, and who is on call."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from approvals.models.requests import choices_of
from approvals.vocabulary import Handover
from hitlconsole.accounts.models import Team
from hitlconsole.lib.clock import HitlNow
from hitlconsole.lib.ids import uuid7


class TeamEscalation(models.Model):
    """A team's escalation policy; a team without one has the default.

    `document` is an escalation.policy.EscalationPolicy. `last_tier` and `first_seconds` repeat
    what the intake needs of it. `revision` is what a form saw when it was opened.
    """

    team = models.OneToOneField(
        Team, primary_key=True, on_delete=models.CASCADE, related_name="escalation"
    )
    document = models.JSONField()
    last_tier = models.PositiveSmallIntegerField()
    first_seconds = models.PositiveIntegerField(null=True)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(db_default=HitlNow(), editable=False)

    def __str__(self) -> str:
        return f"escalation policy of {self.team_id}"


class OnCallRotation(models.Model):
    """People who take turns (escalation.rotation.Rotation)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="rotations")
    name = models.CharField(max_length=80)
    people = ArrayField(models.UUIDField(), default=list)
    handover = models.CharField(max_length=10, choices=choices_of(Handover))
    weekday = models.PositiveSmallIntegerField(default=0)
    at = models.TimeField()
    timezone = models.CharField(max_length=64)
    starts_on = models.DateField()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("team", "name"), name="rotation_name"),)

    def __str__(self) -> str:
        return self.name


class RotationOverride(models.Model):
    """Somebody takes a stretch of another's turn. The later made one wins."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rotation = models.ForeignKey(OnCallRotation, on_delete=models.CASCADE, related_name="overrides")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="override_order"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.rotation_id}"


class Absence(models.Model):
    """Out of office, with the person who stands in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absences"
    )
    substitute = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="absence_order"
            ),
        )

    def __str__(self) -> str:
        return f"absence of {self.user_id}"
