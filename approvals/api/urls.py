from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from approvals.api import pages
from approvals.api.answers import error_response
from approvals.api.app import api, for_any_method
from hitlconsole.lib.problems import Problem

app_name = "api"


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    return error_response(request, Problem("not_found", "No call has this address."))


def _calls() -> list[URLPattern]:
    patterns, _, _ = api.urls
    return [
        for_any_method(pattern)
        for pattern in patterns
        if isinstance(pattern, URLPattern) and pattern.name != "api-root"
    ]


v1 = [
    path("openapi.json", pages.openapi_json, name="openapi"),
    path("docs", pages.reference, name="reference"),
    path("problems", pages.problems, name="problems"),
    path("", RedirectView.as_view(pattern_name="api:reference"), name="root"),
    *_calls(),
]
urlpatterns = [path("v1/", include(v1)), re_path("", unknown)]
