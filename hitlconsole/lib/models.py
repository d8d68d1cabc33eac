"""What every part of the console leaves behind while it runs."""

from django.db import models


class Heartbeat(models.Model):
    """A stretch of time through which one process was alive (hitlconsole.lib.heartbeats)."""

    kind = models.CharField(max_length=30)
    instance = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("kind", "last_seen_at"), name="heartbeat_kind"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.instance}"
