from django.contrib import admin

from audit.models import AuditEvent
from hitlconsole.lib.readonlyadmin import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "recorded_at", "type", "stream", "stream_seq", "actor_kind", "actor_id")
    search_fields = ("=stream", "=type")
    ordering = ("-id",)
    fields = ("event_id", "recorded_at", "stream", "stream_seq", "type", "entry_text")
    readonly_fields = ("entry_text",)

    @admin.display(description="Entry")
    def entry_text(self, event: AuditEvent) -> str:
        return bytes(event.entry).decode()
