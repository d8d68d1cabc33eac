from django.contrib import admin
from django.urls import include, path

from approvals.hooks.slack import interact

handler400 = "approvals.console.errors.bad_request"
handler403 = "approvals.console.errors.forbidden"
handler404 = "approvals.console.errors.not_found"
handler500 = "approvals.console.errors.failed"
urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("approvals.api.urls")),
    path("hooks/slack/<uuid:channel_id>/", interact, name="slack-interaction"),
    path("audit/", include("approvals.console.audit_urls")),
    path("ui/", include("hitlconsole.ui.urls")),
    path("", include("hitlconsole.accounts.urls")),
    path("", include("approvals.console.urls")),
]
