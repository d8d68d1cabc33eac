from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from hitlconsole.ui.preferences import DENSITY, SHORTCUTS, THEME, Preference

_YEAR = 365 * 24 * 3600


def _came_from(request: HttpRequest) -> str:
    """Back to the page the form stood on, if it is one of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else "/"


def _remember(request: HttpRequest, preference: Preference) -> HttpResponse:
    value = request.POST.get(preference.name, "")
    if value not in preference.values:
        return HttpResponseBadRequest(f"{preference.name}: one of {', '.join(preference.values)}")
    response = HttpResponseRedirect(_came_from(request))
    response.set_cookie(
        preference.cookie,
        value,
        max_age=_YEAR,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    return _remember(request, THEME)


@require_POST
def set_density(request: HttpRequest) -> HttpResponse:
    return _remember(request, DENSITY)


@require_POST
def set_shortcuts(request: HttpRequest) -> HttpResponse:
    return _remember(request, SHORTCUTS)
