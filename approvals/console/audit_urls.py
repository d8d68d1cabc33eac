from django.urls import path

from approvals.console import audit_pages

app_name = "audit"
urlpatterns = [
    path("", audit_pages.show_timeline, name="timeline"),
    path("request/<uuid:request_id>/", audit_pages.show_request_timeline, name="request"),
]
