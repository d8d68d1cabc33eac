"""The record. It knows nobody: kinds and ids are plain values, without foreign keys."""

from django.db import models


class AuditEvent(models.Model):
    """One thing that happened. The database refuses UPDATE, DELETE and TRUNCATE.

    Written by audit.services.record() alone; `txid` and `recorded_at` are stamped by a trigger.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    recorded_at = models.DateTimeField()
    stream = models.TextField()
    stream_seq = models.BigIntegerField()
    type = models.TextField()
    request_id = models.UUIDField(null=True)
    agent_id = models.UUIDField(null=True)
    action_type = models.TextField(null=True)  # noqa: DJ001 - null says: does not apply
    level = models.TextField(null=True)  # noqa: DJ001
    actor_kind = models.TextField()
    actor_id = models.UUIDField(null=True)
    reviewer_decision = models.TextField(null=True)  # noqa: DJ001
    entry = models.BinaryField()

    class Meta:
        db_table = "audit_event"
        constraints = (
            models.UniqueConstraint(fields=("stream", "stream_seq"), name="audit_event_sequence"),
        )
        indexes = (
            models.Index(fields=("agent_id", "-id"), name="audit_event_agent"),
            models.Index(fields=("type", "-id"), name="audit_event_type"),
        )

    def __str__(self) -> str:
        return f"{self.stream}#{self.stream_seq} {self.type}"


class AuditStream(models.Model):
    """The last number given in a stream; its row is locked last in a transaction."""

    stream = models.TextField(primary_key=True)
    seq = models.BigIntegerField()

    class Meta:
        db_table = "audit_stream"

    def __str__(self) -> str:
        return f"{self.stream} at {self.seq}"


class AuditPending(models.Model):
    """Events that are not sealed yet; filled by a trigger."""

    event = models.OneToOneField(
        AuditEvent, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False
    )

    class Meta:
        db_table = "audit_pending"

    def __str__(self) -> str:
        return f"event {self.event_id}"


class AuditDisclosure(models.Model):
    """A value that may have to be erased, with the salt that opens its commitment."""

    pk = models.CompositePrimaryKey("event_id", "name")
    event_id = models.UUIDField()
    name = models.TextField()
    salt = models.BinaryField()
    value = models.JSONField()

    class Meta:
        db_table = "audit_disclosure"

    def __str__(self) -> str:
        return f"{self.name} of {self.event_id}"
