from django.contrib import admin

from approvals.models import (
    ApprovalRequest,
    Decision,
    Message,
    Notice,
    Notification,
    Presence,
    Takeover,
)
from hitlconsole.lib.readonlyadmin import ReadOnlyAdmin


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "agent", "action_type", "level", "status", "resolution", "created_at")
    list_filter = ("status", "level", "resolution", "team")
    list_select_related = ("agent",)
    search_fields = ("=id", "action_type", "agent__name")
    exclude = ("action", "proposed_action", "action_sha256", "body_sha256")
    ordering = ("-created_at",)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("request_id", "reviewer", "verdict", "effect", "channel", "at")
    list_filter = ("verdict", "effect", "channel")
    list_select_related = ("reviewer",)
    exclude = ("action_sha256", "edited_action")
    ordering = ("-at",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("request_id", "kind", "person", "at")
    list_filter = ("kind",)
    list_select_related = ("person",)
    exclude = ("body_sha256",)
    ordering = ("-at",)


@admin.register(Takeover)
class TakeoverAdmin(ReadOnlyAdmin):
    list_display = ("agent", "team", "source", "status", "started_at", "released_at")
    list_filter = ("status", "source", "team")
    list_select_related = ("agent", "team")
    ordering = ("-started_at",)


@admin.register(Presence)
class PresenceAdmin(ReadOnlyAdmin):
    list_display = ("user", "team", "started_at", "last_seen_at")
    list_select_related = ("user", "team")
    ordering = ("-last_seen_at",)


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("kind", "team", "status", "attempts", "created_at", "planned_at")
    list_filter = ("status", "kind", "team")
    list_select_related = ("team",)
    ordering = ("-created_at",)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("user", "notification", "created_at", "read_at")
    list_select_related = ("user", "notification")
    ordering = ("-id",)
