"""Signing in and out, and the own profile."""

from dataclasses import asdict
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hitlconsole.accounts.forms import NameForm, PasswordForm, PreferencesForm, SignInForm
from hitlconsole.accounts.models import Membership, User
from hitlconsole.accounts.profile import (
    HINTS,
    dismiss_hint,
    dismissed_hints,
    preferences_of,
    rename_person,
    set_password,
    set_preferences,
    show_hints_again,
)
from hitlconsole.accounts.selectors import LinkState, LinkView, look_at_link
from hitlconsole.accounts.services import record_sign_in, record_sign_out, redeem_sign_in_link
from hitlconsole.accounts.sessions import (
    asks_for_fragment,
    current_user,
    note_sign_in,
    signed_in,
    tell_signed_out,
)

BACKEND = "hitlconsole.accounts.backends.SessionBackend"


def _enter(request: HttpRequest, user: User, method: str) -> None:
    """The session gets a new key, so that one planted before is worth nothing."""
    login(request, user, backend=BACKEND)
    note_sign_in(request)
    record_sign_in(user, method=method)


def _destination(request: HttpRequest) -> str:
    """Where the person was going, if it is a place of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return resolve_url("console:queue")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """With ?again also for who is signed in: some decisions take a recent sign-in."""
    again = "again" in request.GET or "again" in request.POST
    if request.user.is_authenticated and not again:
        return redirect(_destination(request))
    form = SignInForm(request.POST or None, request=request)
    if form.is_valid() and form.user is not None:
        _enter(request, form.user, "password")
        return redirect(_destination(request))
    status = 422 if form.is_bound else 200
    context = {"form": form, "next": _destination(request), "again": again}
    return render(request, "accounts/sign_in.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET and HEAD show; only the button's POST uses the link up."""
    if request.method == "POST":
        user = redeem_sign_in_link(token)
        if user is not None:
            _enter(request, user, "link")
            return redirect("console:queue")
    return _show_link(request, look_at_link(token))


def _show_link(request: HttpRequest, link: LinkView) -> HttpResponse:
    status = {LinkState.USABLE: 200, LinkState.UNKNOWN: 404}.get(link.state, 410)
    context = {"state": link.state.value, "person": link.user}
    return render(request, "accounts/sign_in_link.html", context, status=status)


@require_POST
@signed_in
def sign_out(request: HttpRequest) -> HttpResponse:
    record_sign_out(current_user(request))
    key = request.session.session_key
    logout(request)
    if key is not None:
        tell_signed_out(key)
    messages.info(request, "You have signed out.")
    return redirect("accounts:sign-in")


@require_safe
@signed_in
def profile(request: HttpRequest) -> HttpResponse:
    return _profile(request)


def _profile(request: HttpRequest, status: int = 200, **sent: forms.Form) -> HttpResponse:
    """`sent`: the forms that were sent and have errors, by their names in the template."""
    user = current_user(request)
    memberships = Membership.objects.filter(user=user).select_related("team")
    context = {
        "name_form": NameForm({"name": user.name}),
        "password_form": PasswordForm(user=user),
        "preferences_form": PreferencesForm(initial=asdict(preferences_of(user))),
        "time_zones": sorted(available_timezones()),
        "memberships": memberships.order_by("team__name", "role"),
        "hints_put_away": len(dismissed_hints(user)),
    }
    return render(request, "accounts/profile.html", context | sent, status=status)


@require_POST
@signed_in
def change_name(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _profile(request, status=422, name_form=form)
    rename_person(current_user(request), form.cleaned_data["name"])
    messages.success(request, "Your name is saved.")
    return redirect("accounts:profile")


@require_POST
@signed_in
def change_preferences(request: HttpRequest) -> HttpResponse:
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return _profile(request, status=422, preferences_form=form)
    set_preferences(current_user(request), form.preferred())
    messages.success(request, "Your preferences are saved.")
    return redirect("accounts:profile")


@require_POST
@signed_in
def put_hint_away(request: HttpRequest, name: str) -> HttpResponse:
    """A script stays on its page; without one the page comes back without the hint."""
    if name not in HINTS:
        raise Http404("There is no such hint.")
    dismiss_hint(current_user(request), name)
    if asks_for_fragment(request):
        return HttpResponse(status=204)
    return redirect(_destination(request))


@require_POST
@signed_in
def bring_hints_back(request: HttpRequest) -> HttpResponse:
    show_hints_again(current_user(request))
    messages.success(request, "The hints are shown again.")
    return redirect("accounts:profile")


@sensitive_post_parameters()
@require_POST
@signed_in
def change_password(request: HttpRequest) -> HttpResponse:
    """Sessions elsewhere end; this one goes on."""
    user = current_user(request)
    form = PasswordForm(request.POST, user=user)
    if not form.is_valid():
        return _profile(request, status=422, password_form=form)
    set_password(user, form.cleaned_data["new"])
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is saved. Other sessions have ended.")
    return redirect(reverse("accounts:profile"))
