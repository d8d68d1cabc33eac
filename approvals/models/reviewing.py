"""What people do on the way to a decision: hold it, look at the evidence, keep a view."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from approvals.models.requests import ApprovalRequest, choices_of
from approvals.vocabulary import HoldEnd, Verdict
from hitlconsole.lib.ids import uuid7


class Hold(models.Model):
    """A verdict that counts from `counts_at` on, unless its author undoes it or something else
    happens to the request before.

    While `end` is null it waits; the request's `held_until` is the first moment at which one of
    its holds counts.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        ApprovalRequest, on_delete=models.PROTECT, related_name="holds", db_index=False
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    verdict = models.CharField(max_length=20, choices=choices_of(Verdict))
    revision = models.PositiveIntegerField()
    notes = models.TextField(blank=True)
    # What was ticked: the risks that the person says to have looked at (empty: none was asked).
    acknowledged = models.TextField(blank=True)
    token = models.CharField(max_length=64)
    given_at = models.DateTimeField()
    counts_at = models.DateTimeField()
    end = models.CharField(max_length=10, null=True, choices=choices_of(HoldEnd))  # noqa: DJ001
    # Why it was cancelled, in words for its author.
    end_reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("request", "reviewer"),
                name="hold_one_waits",
                condition=models.Q(end__isnull=True),
            ),
            # A form sent twice is one hold.
            models.UniqueConstraint(fields=("request", "reviewer", "token"), name="hold_token"),
            models.CheckConstraint(
                condition=models.Q(end__isnull=True, ended_at__isnull=True)
                | models.Q(end__isnull=False, ended_at__isnull=False),
                name="hold_ended_whole",
            ),
        )
        indexes = (
            models.Index(fields=("reviewer", "-given_at"), name="hold_reviewer"),
            models.Index(fields=("request", "given_at"), name="hold_request"),
        )

    def __str__(self) -> str:
        return f"{self.verdict} held on {self.request_id}"


class EvidenceLook(models.Model):
    """That a person had the evidence of a request open, and for which action."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    action_sha256 = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("request", "user", "action_sha256"), name="evidence_look_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} looked at {self.request_id}"


class Looker(models.Model):
    """Who has a request open at the moment: a sign of life of a visible page."""

    request = models.ForeignKey(
        ApprovalRequest, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("request", "user"), name="looker_once"),)
        indexes = (models.Index(fields=("seen_at",), name="looker_seen"),)

    def __str__(self) -> str:
        return f"{self.user_id} looks at {self.request_id}"


class SavedView(models.Model):
    """A person's own name for filters of the queue, as they stand in the URL."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_views",
        db_index=False,
    )
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar[tuple[str, ...]] = ("position", "name")
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="saved_view_name"),)

    def __str__(self) -> str:
        return self.name
