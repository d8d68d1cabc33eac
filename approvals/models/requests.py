"""Requests, and what agents and people said about them."""

from enum import StrEnum

from django.conf import settings
from django.db import models

from approvals.vocabulary import (
    CLOSED,
    OPEN,
    Channel,
    Execution,
    Resolution,
    Status,
    Verdict,
)
from autonomy.models import LEVEL_CHOICES, Evaluation
from hitlconsole.accounts.models import Agent, Team
from hitlconsole.lib.ids import uuid7

OPEN_VALUES = [status.value for status in OPEN]
NOT_APPROVED = [status.value for status in CLOSED if status is not Status.APPROVED]


def choices_of(words: type[StrEnum]) -> list[tuple[str, str]]:
    return [(word.value, word.value) for word in words]


class ApprovalRequest(models.Model):
    """An agent's question. Only the services change it; the database guards its transitions.

    `action` is the canonical JSON (RFC 8785) of what may be executed, `action_sha256` its
    digest; `proposed_action` is what the agent asked for, where a person edited it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    revision = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=12, choices=choices_of(Status))
    level = models.SmallIntegerField(choices=LEVEL_CHOICES)
    resolution = models.CharField(max_length=16, null=True, choices=choices_of(Resolution))  # noqa: DJ001
    reason = models.TextField(blank=True)

    action_type = models.CharField(max_length=100)
    action = models.BinaryField()
    action_sha256 = models.BinaryField(max_length=32)
    proposed_action = models.BinaryField(null=True)
    description = models.TextField()
    cost_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    confidence_score = models.FloatField(null=True)
    risk = models.JSONField()
    confidence = models.JSONField(null=True)
    context = models.JSONField(null=True)
    metadata = models.JSONField(default=dict)
    resume_state = models.JSONField(null=True)
    on_behalf_of = models.TextField(blank=True)
    callback_url = models.TextField(blank=True)
    traceparent = models.CharField(max_length=64, blank=True)
    previous = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="retries", db_index=False
    )
    evaluation = models.ForeignKey(
        Evaluation, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    policy_number = models.PositiveIntegerField()
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null: none given
    body_sha256 = models.BinaryField(max_length=32)

    # The clock of the present wait. Null deadline on an open request: the clock is stopped.
    # `tier` and `last_tier` count the steps of the team's escalation policy from 0.
    tier = models.PositiveSmallIntegerField(default=0)
    last_tier = models.PositiveSmallIntegerField(default=1)
    quorum = models.PositiveSmallIntegerField(default=1)
    silent_consent = models.BooleanField(default=True)
    soft_seconds = models.PositiveIntegerField()
    hard_seconds = models.PositiveIntegerField()
    waiting_since = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    reminder_at = models.DateTimeField(null=True)
    extended_seconds = models.PositiveIntegerField(default=0)
    escalated_before_question = models.BooleanField(default=False)

    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    claimed_until = models.DateTimeField(null=True)
    # The first moment at which a held verdict counts (models.reviewing.Hold); null: none is held.
    held_until = models.DateTimeField(null=True)

    approval_ttl_seconds = models.PositiveIntegerField()
    execution = models.CharField(max_length=10, null=True, choices=choices_of(Execution))  # noqa: DJ001
    approval_until = models.DateTimeField(null=True)
    execution_claim_id = models.CharField(max_length=100, null=True)  # noqa: DJ001
    execution_claimed_at = models.DateTimeField(null=True)

    closing_decision = models.ForeignKey(
        "Decision", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    takeover = models.ForeignKey(
        "Takeover", null=True, on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    # What proves that people were told, where silence approved (services.notice.Evidence).
    notice = models.JSONField(null=True)
    first_look_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("agent", "idempotency_key"),
                name="request_idempotency",
                condition=models.Q(idempotency_key__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=OPEN_VALUES, closed_at__isnull=True, resolution__isnull=True
                )
                | (
                    ~models.Q(status__in=OPEN_VALUES)
                    & models.Q(closed_at__isnull=False, resolution__isnull=False)
                ),
                name="request_closed_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(status="approved", execution__isnull=False)
                | (~models.Q(status="approved") & models.Q(execution__isnull=True)),
                name="request_execution_if_approved",
            ),
            models.CheckConstraint(condition=models.Q(level__range=(0, 4)), name="request_level"),
            models.CheckConstraint(condition=models.Q(quorum__gte=1), name="request_quorum"),
        )
        indexes = (
            models.Index(
                fields=("team", "deadline", "id"),
                name="request_queue",
                condition=models.Q(status__in=OPEN_VALUES),
            ),
            # The order of the queue whoever asks, and what the sweep looks for.
            models.Index(
                fields=("deadline", "id"),
                name="request_due",
                condition=models.Q(status__in=OPEN_VALUES),
            ),
            models.Index(
                fields=("reminder_at",),
                name="request_reminder",
                condition=models.Q(status__in=OPEN_VALUES, reminder_at__isnull=False),
            ),
            models.Index(
                fields=("held_until",),
                name="request_held",
                condition=models.Q(held_until__isnull=False),
            ),
            # How fast people decide, and what silence did, of late.
            models.Index(
                fields=("closed_at",),
                name="request_closed",
                condition=models.Q(resolution__in=["human", "silent_consent", "exhausted"]),
            ),
            models.Index(
                fields=("approval_until",),
                name="request_lapsing",
                condition=models.Q(execution="available"),
            ),
            models.Index(fields=("agent", "-created_at", "-id"), name="request_agent"),
            models.Index(fields=("team", "-created_at", "-id"), name="request_history"),
            models.Index(fields=("-created_at", "-id"), name="request_recent"),
            # Most requests are approved: what is not is found without reading through them.
            models.Index(
                fields=("status", "-created_at", "-id"),
                name="request_not_approved",
                condition=models.Q(status__in=NOT_APPROVED),
            ),
            models.Index(
                fields=("previous",),
                name="request_retries",
                condition=models.Q(previous__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.action_type} {self.id}"


class Decision(models.Model):
    """What a person said about a request. Rows are only added.

    A vote counts as long as `action_sha256` and `level` are those of the request: an edit or a
    raised level voids it without touching it.
    """

    class Effect(models.TextChoices):
        CLOSED = "closed", "Closed the request"
        VOTE = "vote", "Counts towards the quorum"
        PROPOSAL = "proposal", "Became the new proposal"
        ACTED = "acted", "Asked or escalated"
        LATE = "late", "Came after the close, without effect"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        ApprovalRequest, on_delete=models.PROTECT, related_name="decisions", db_index=False
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions"
    )
    verdict = models.CharField(max_length=20, choices=choices_of(Verdict))
    effect = models.CharField(max_length=10, choices=Effect.choices)
    channel = models.CharField(max_length=10, choices=choices_of(Channel))
    revision = models.PositiveIntegerField()
    level = models.SmallIntegerField(choices=LEVEL_CHOICES)
    action_sha256 = models.BinaryField(max_length=32)
    edited_action = models.BinaryField(null=True)
    notes = models.TextField(blank=True)
    token = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null: none given
    at = models.DateTimeField()

    class Meta:
        constraints = (
            # A form sent twice is one decision.
            models.UniqueConstraint(
                fields=("request", "reviewer", "token"),
                name="decision_token",
                condition=models.Q(token__isnull=False),
            ),
        )
        indexes = (models.Index(fields=("request", "at"), name="decision_request"),)

    def __str__(self) -> str:
        return f"{self.verdict} on {self.request_id}"


class Message(models.Model):
    """A question, an answer, evidence or a comment. Comments stay among people."""

    class Kind(models.TextChoices):
        QUESTION = "question", "Question"
        ANSWER = "answer", "Answer"
        EVIDENCE = "evidence", "Evidence"
        COMMENT = "comment", "Comment"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        ApprovalRequest, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    text = models.TextField()
    data = models.JSONField(null=True)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001
    body_sha256 = models.BinaryField(max_length=32, null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("request", "idempotency_key"),
                name="message_idempotency",
                condition=models.Q(idempotency_key__isnull=False),
            ),
        )
        indexes = (models.Index(fields=("request", "at"), name="message_request"),)

    def __str__(self) -> str:
        return f"{self.kind} on {self.request_id}"
