from django.contrib import admin

from autonomy.models import ActionType, AutonomyProfile, Evaluation, Outcome, PolicyVersion
from hitlconsole.lib.readonlyadmin import ReadOnlyAdmin


@admin.register(ActionType)
class ActionTypeAdmin(ReadOnlyAdmin):
    list_display = ("name", "reversible", "domains", "cost_usd", "floor", "side_effects", "team")
    list_select_related = ("team",)
    search_fields = ("name",)


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    list_display = ("number", "published_at", "published_by", "note")
    list_select_related = ("published_by",)


@admin.register(AutonomyProfile)
class AutonomyProfileAdmin(ReadOnlyAdmin):
    list_display = ("agent", "action_type", "level", "streak")
    list_filter = ("level",)
    list_select_related = ("agent",)
    search_fields = ("agent__name", "action_type")


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ("request_id", "agent", "action_type", "level", "policy", "created_at")
    list_select_related = ("agent", "policy")
    ordering = ("-created_at",)


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    list_display = ("request_id", "agent", "action_type", "result", "source", "reported_at")
    list_filter = ("result", "source")
    list_select_related = ("agent",)
    ordering = ("-reported_at",)
