"""Signing in and out, and the own profile."""

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hitlconsole.accounts.forms import NameForm, PasswordForm, SignInForm
from hitlconsole.accounts.models import Membership, User
from hitlconsole.accounts.profile import rename_person, set_password
from hitlconsole.accounts.selectors import LinkState, LinkView, look_at_link
from hitlconsole.accounts.services import record_sign_in, record_sign_out, redeem_sign_in_link
from hitlconsole.accounts.sessions import (
    current_user,
    note_sign_in,
    signed_in,
    tell_signed_out,
)

BACKEND = "django.contrib.auth.backends.ModelBackend"


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
    user = current_user(request)
    return _profile(request, NameForm({"name": user.name}), PasswordForm(user=user))


def _profile(
    request: HttpRequest, name: NameForm, password: PasswordForm, status: int = 200
) -> HttpResponse:
    memberships = Membership.objects.filter(user=current_user(request)).select_related("team")
    context = {
        "name_form": name,
        "password_form": password,
        "memberships": memberships.order_by("team__name", "role"),
    }
    return render(request, "accounts/profile.html", context, status=status)


@require_POST
@signed_in
def change_name(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    form = NameForm(request.POST)
    if not form.is_valid():
        return _profile(request, form, PasswordForm(user=user), status=422)
    rename_person(user, form.cleaned_data["name"])
    messages.success(request, "Your name is saved.")
    return redirect("accounts:profile")


@sensitive_post_parameters()
@require_POST
@signed_in
def change_password(request: HttpRequest) -> HttpResponse:
    """Sessions elsewhere end; this one goes on."""
    user = current_user(request)
    form = PasswordForm(request.POST, user=user)
    if not form.is_valid():
        return _profile(request, NameForm({"name": user.name}), form, status=422)
    set_password(user, form.cleaned_data["new"])
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is saved. Other sessions have ended.")
    return redirect(reverse("accounts:profile"))
