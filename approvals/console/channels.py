"""Channels: what there is, whether it works, and the messages that did not get through."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.console.agent_forms import administered_teams
from approvals.console.channel_forms import FORMS, ChannelForm, interaction_url
from approvals.console.door import page, require_admin
from approvals.models import (
    ChannelIdentity,
    Delivery,
    DeliveryItem,
    NotificationChannel,
    Transport,
)
from approvals.notifications.outbox import replay_deliveries
from approvals.selectors import Position
from approvals.services.channels import (
    link_identity,
    look_up_identity,
    save_channel,
    try_channel,
)
from hitlconsole.accounts.access import may_administer, readable_teams, teams_with_role
from hitlconsole.accounts.models import Membership, Role, User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.problems import Problem
from hitlconsole.lib.secretbox import CannotOpen

PAGE = 50
MOST_REPLAYED = 1000


@dataclass(frozen=True, slots=True)
class Account:
    """A person who decides, with who they are in the workspace."""

    user: User
    external_id: str


def visible_channels(user: User) -> QuerySet[NotificationChannel]:
    return NotificationChannel.objects.filter(Q(team=None) | Q(team__in=readable_teams(user)))


def visible_deliveries(user: User) -> QuerySet[Delivery]:
    return Delivery.objects.filter(team__in=readable_teams(user))


def _channel_for(request: HttpRequest, channel_id: UUID) -> NotificationChannel:
    """To change it: an admin of its team, or of everything. Raises not_found, not_allowed."""
    channel = visible_channels(current_user(request)).filter(pk=channel_id).first()
    if channel is None:
        raise Problem("not_found", "There is no such channel.")
    require_admin(request, channel.team)
    return channel


def _may_add(user: User) -> bool:
    return may_administer(user) or administered_teams(user).exists()


@page
@require_safe
def show_channels(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    stuck = Count("deliveries", filter=Q(deliveries__status=Delivery.Status.DEAD))
    found = visible_channels(user).select_related("team").annotate(dead=stuck).order_by("name")
    dead = visible_deliveries(user).filter(status=Delivery.Status.DEAD).count()
    context = {
        "channels": [(channel, may_administer(user, channel.team)) for channel in found],
        "kinds": [(kind.value, kind.label) for kind in Transport if kind.value in FORMS],
        "administers": _may_add(user),
        "dead": dead,
    }
    return render(request, "console/channels.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def new_channel(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in FORMS:
        raise Http404("There is no such kind of channel.")
    if not _may_add(current_user(request)):
        raise Problem("not_allowed", "Only an admin can add a channel.")
    return _edit(request, NotificationChannel(kind=kind))


@page
@require_http_methods(["GET", "HEAD", "POST"])
def edit_channel(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    return _edit(request, _channel_for(request, channel_id))


def _edit(request: HttpRequest, channel: NotificationChannel) -> HttpResponse:
    user = current_user(request)
    form = FORMS[channel.kind](request.POST or None, user=user, channel=channel)
    if request.method == "POST" and form.is_valid():
        try:
            secrets = _save(form, channel, user)
        except Problem as problem:
            form.add_error("name", f"It {problem.errors[0].msg}.")
        else:
            return _saved(request, form, channel, secrets)
    return _render(request, channel, form)


def _save(form: ChannelForm, channel: NotificationChannel, user: User) -> dict[str, Any]:
    """The secrets that are new."""
    secrets = form.secrets_for(channel)
    for name in ("name", "team", "role", "enabled"):
        setattr(channel, name, form.cleaned_data[name])
    channel.config = form.given(form.config)
    save_channel(channel, secrets, by=user)
    if "readers" in form.cleaned_data:
        channel.readers.set(form.cleaned_data["readers"])
    return secrets


def _saved(
    request: HttpRequest,
    form: ChannelForm,
    channel: NotificationChannel,
    secrets: dict[str, Any],
) -> HttpResponse:
    """A webhook's secret is on this one page, and on no other."""
    if secrets and channel.kind == Transport.WEBHOOK:
        (secret,) = secrets["secrets"]
        return _render(request, channel, form, secret=secret)
    messages.success(request, f"The channel {channel.name} is saved. Try it.")
    return redirect("console:channel", channel.pk)


def _render(
    request: HttpRequest, channel: NotificationChannel, form: ChannelForm, secret: str = ""
) -> HttpResponse:
    kept = not channel._state.adding
    slack = kept and channel.kind == Transport.SLACK
    context = {
        "channel": channel,
        "kept": kept,
        "form": form,
        "secret": secret,
        "accounts": _accounts(channel) if slack else [],
        "interaction_url": interaction_url(channel) if slack else "",
    }
    status = 422 if form.errors else 200
    response = render(request, "console/channel.html", context, status=status)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def _accounts(channel: NotificationChannel) -> list[Account]:
    """Of everybody who may decide where this channel serves."""
    members = Membership.objects.filter(role__in=[Role.REVIEWER, Role.ADMIN])
    if channel.team is not None:
        members = members.filter(team=channel.team)
    known = dict(
        ChannelIdentity.objects.filter(
            kind=channel.kind, workspace=channel.config.get("workspace", "")
        ).values_list("user", "external_id")
    )
    people = User.objects.filter(pk__in=members.values("user"), is_active=True).order_by("name")
    return [Account(user, known.get(user.pk, "")) for user in people]


@page
@require_POST
def link_account(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """A person's account there: typed, or looked up by e-mail address."""
    channel = _channel_for(request, channel_id)
    people = {str(one.user.pk): one.user for one in _accounts(channel)}
    user = people.get(request.POST.get("user", ""))
    if channel.kind != Transport.SLACK or user is None:
        raise Problem("not_found", "There is no such person on this channel.")
    if not _may_speak_for(current_user(request), user):
        detail = f"{user.name} decides in other teams, too: an admin of all of them says who it is."
        raise Problem("not_allowed", detail)
    typed = "".join(request.POST.get("external_id", "").split()).upper()
    if request.POST.get("do") == "look_up":
        typed = _looked_up(request, channel, user)
        if not typed:
            return redirect("console:channel", channel.pk)
    if typed and (len(typed) > 64 or not typed.isalnum() or not typed.isascii()):
        messages.error(request, "A member id looks like U01ABCDEF.")
        return redirect("console:channel", channel.pk)
    try:
        link_identity(channel, user, typed, by=current_user(request))
    except Problem as problem:
        messages.error(request, f"{typed} {problem.errors[0].msg}.")
    else:
        messages.success(request, f"{user.name} is {typed or 'nobody'} there.")
    return redirect("console:channel", channel.pk)


def _may_speak_for(admin: User, user: User) -> bool:
    """An account counts in all of its workspace, so also for the other teams of the person."""
    if may_administer(admin):
        return True
    decides_in = teams_with_role(user, Role.REVIEWER, Role.ADMIN)
    elsewhere = decides_in.exclude(pk__in=administered_teams(admin))
    return not user.is_superuser and not elsewhere.exists()


def _looked_up(request: HttpRequest, channel: NotificationChannel, user: User) -> str:
    """Empty where nobody was found, which the person is then told."""
    try:
        found = look_up_identity(channel, user)
    except CannotOpen as error:
        messages.error(request, f"The channel's secrets have to be typed again: {error}.")
        return ""
    if found is None:
        messages.error(request, f"Slack knows nobody with the address {user.email}.")
    return found or ""


@page
@require_POST
def test_channel(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    channel, user = _channel_for(request, channel_id), current_user(request)
    trial = try_channel(channel, user)
    if trial.accepted:
        messages.success(request, f"{channel.name} accepted a trial message.")
    else:
        messages.error(request, f"{channel.name} did not accept it: {trial.error}")
    return redirect("console:channels")


@page
@require_safe
def show_deliveries(request: HttpRequest) -> HttpResponse:
    """Newest first; filters and position stand in the address."""
    user, query = current_user(request), visible_deliveries(current_user(request))
    status, channel = request.GET.get("status", ""), request.GET.get("channel", "")
    if status in Delivery.Status.values:
        query = query.filter(status=status)
    chosen = _chosen(user, channel)
    if chosen is not None:
        query = query.filter(channel=chosen)
    after = request.GET.get("cursor")
    found = _page(query, Position.from_text(after) if after else None)
    more = Position(found[PAGE - 1].created_at, found[PAGE - 1].id) if len(found) > PAGE else None
    context = {
        "deliveries": found[:PAGE],
        "more_url": _more(status, channel, more) if more else "",
        "status": status,
        "chosen": chosen,
        "statuses": Delivery.Status.choices,
        "channels": visible_channels(user).order_by("name"),
        "administers": _may_add(user),
    }
    return render(request, "console/deliveries.html", context)


def _chosen(user: User, text: str) -> NotificationChannel | None:
    try:
        return visible_channels(user).filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _page(query: QuerySet[Delivery], after: Position | None) -> list[Delivery]:
    if after is not None:
        older = Q(created_at__lt=after.created_at)
        query = query.filter(older | Q(created_at=after.created_at, id__lt=after.id))
    news = DeliveryItem.objects.select_related("request").order_by("id")
    items = Prefetch("items", news.only("delivery", "request__description"))
    related = query.select_related("channel", "team", "user").prefetch_related(items)
    return list(related.order_by("-created_at", "-id")[: PAGE + 1])


def _more(status: str, channel: str, position: Position) -> str:
    return f"?status={status}&channel={channel}&cursor={position.to_text()}"


@page
@require_safe
def show_delivery(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """One message: what it told, and each attempt with what the receiver said."""
    found = visible_deliveries(current_user(request)).filter(pk=delivery_id)
    delivery = found.select_related("channel", "team", "user").first()
    if delivery is None:
        raise Problem("not_found", "There is no such message.")
    context = {
        "delivery": delivery,
        "items": delivery.items.select_related("notification", "request", "takeover__agent"),
        "tries": delivery.tries.order_by("-number"),
        "people": User.objects.filter(pk__in=delivery.people).order_by("name"),
        "administers": may_administer(current_user(request), delivery.team),
    }
    return render(request, "console/delivery.html", context)


@page
@require_POST
def replay(request: HttpRequest) -> HttpResponse:
    """One dead letter, or all of a channel (the newest thousand at once)."""
    user = current_user(request)
    dead = Delivery.objects.filter(
        team__in=administered_teams(user), status=Delivery.Status.DEAD
    ).order_by("-created_at")
    one, channel = request.POST.get("delivery", ""), request.POST.get("channel", "")
    dead = _narrowed(dead, one, channel)
    count = replay_deliveries(list(dead.values_list("pk", flat=True)[:MOST_REPLAYED]))
    words = "message is" if count == 1 else "messages are"
    messages.success(request, f"{count} {words} tried again now.")
    return redirect("console:deliveries")


def _narrowed(dead: QuerySet[Delivery], one: str, channel: str) -> QuerySet[Delivery]:
    try:
        if one:
            return dead.filter(pk=UUID(one))
        return dead.filter(channel=UUID(channel)) if channel else dead
    except ValueError:
        return dead.none()
