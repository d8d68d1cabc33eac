from django.contrib import admin
from django.contrib.auth.models import Group

from hitlconsole.accounts.models import Agent, ApiKey, Membership, Team, User
from hitlconsole.lib.readonlyadmin import ReadOnlyAdmin

# Roles are memberships in teams; Django's groups mean nothing here.
admin.site.unregister(Group)
admin.site.site_header = "HITL Console: records"
admin.site.site_title = "HITL Console"
admin.site.index_title = "Read-only; changes are made in the console"


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "name", "is_active", "is_superuser", "last_login")
    search_fields = ("email", "name")
    exclude = ("password", "groups", "user_permissions")


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    list_display = ("name", "created_at")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "team", "role")
    list_filter = ("role", "team")
    list_select_related = ("user", "team")


@admin.register(Agent)
class AgentAdmin(ReadOnlyAdmin):
    list_display = ("name", "team", "owner", "status", "read_only_since")
    list_filter = ("status", "team")
    list_select_related = ("team", "owner")
    search_fields = ("name",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Without the digest: it is nobody's business, though it opens nothing."""

    list_display = ("prefix", "agent", "service", "scopes", "expires_at", "revoked_at")
    list_select_related = ("agent",)
    exclude = ("digest",)
