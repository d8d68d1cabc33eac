"""A delivery as its channel gets it: with everything as it stands now."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction

from approvals.access import approval_refusal, decision_refusal
from approvals.models import (
    ApprovalRequest,
    ChannelIdentity,
    Delivery,
    DeliveryItem,
    NotificationChannel,
    Transport,
)
from approvals.notifications.audience import Kind, is_overtaken
from approvals.notifications.channels.base import News, Outgoing, Permanent, PersonalLink
from approvals.notifications.secrets import callback_secrets, open_secrets
from approvals.representation import with_questions
from approvals.services.decision_links import make_link
from approvals.services.notice import ASKING
from approvals.vocabulary import OPEN, TakeoverStatus
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now

RELATED = (
    "notification",
    "request__agent",
    "request__team",
    "request__evaluation",
    "request__closing_decision__reviewer",
    "request__claimed_by",
    "takeover__agent",
    "takeover__team",
)
FOR_PROGRAMS = (Transport.CALLBACK, Transport.WEBHOOK)
ABOUT_TAKEOVERS = (Kind.TAKEOVER, Kind.TAKEOVER_REMINDER, Kind.TAKEOVER_ESCALATED)


@transaction.atomic
def load_outgoing(delivery_id: UUID) -> Outgoing | None:
    """None where nothing in it is news any more. Raises Permanent where it cannot be sent."""
    delivery = Delivery.objects.select_related("channel", "user", "updates").get(pk=delivery_id)
    if delivery.status != Delivery.Status.QUEUED:
        return None
    found = list(delivery.items.select_related(*RELATED).order_by("id"))
    items = [item for item in found if _is_news(delivery, item)]
    gone = delivery.user is not None and not delivery.user.is_active
    if not items or gone:
        return None
    with_questions([item.request for item in items if item.request is not None])
    return _outgoing(delivery, items)


def _is_news(delivery: Delivery, item: DeliveryItem) -> bool:
    """No person is asked to decide what is decided, or to look after what was released; programs
    hear everything.
    """
    if delivery.updates_id is None and delivery.transport not in FOR_PROGRAMS:
        if delivery.kind in ASKING and item.request is not None:
            return item.request.status in OPEN and not is_overtaken(item.notification, item.request)
        if delivery.kind in ABOUT_TAKEOVERS and item.takeover is not None:
            return item.takeover.status == TakeoverStatus.OPEN
    return True


def _outgoing(delivery: Delivery, items: Sequence[DeliveryItem]) -> Outgoing:
    channel, now = delivery.channel, database_now()
    people = _people(delivery)
    news = tuple(
        News(
            Kind(item.notification.kind),
            item.notification.tier,
            item.notification.created_at,
            item.request,
            item.takeover,
        )
        for item in items
    )
    return Outgoing(
        id=delivery.id,
        transport=Transport(delivery.transport),
        kind=Kind(delivery.kind),
        news=news,
        now=now,
        settings=_settings(delivery),
        secrets=callback_secrets(items, now) if channel is None else open_secrets(channel.secrets),
        people=people,
        names=_names(channel, people),
        address=delivery.address,
        updates_ref=delivery.updates.provider_ref if delivery.updates else "",
        links=_links(delivery, items),
        folded=len(items) > 1,
    )


def _settings(delivery: Delivery) -> dict:
    channel = delivery.channel
    if channel is None:
        if delivery.transport != Transport.CALLBACK:
            raise Permanent("The channel was deleted.")
        return {}
    if not channel.enabled:
        raise Permanent("The channel is switched off.")
    return dict(channel.config)


def _people(delivery: Delivery) -> tuple[User, ...]:
    if delivery.user is not None:
        return (delivery.user,)
    return tuple(User.objects.filter(pk__in=delivery.people, is_active=True).order_by("name"))


def _names(channel: NotificationChannel | None, people: Iterable[User]) -> dict[UUID, str]:
    """What the channel calls them, where it has names of its own."""
    if channel is None or not channel.config.get("workspace"):
        return {}
    known = ChannelIdentity.objects.filter(
        kind=channel.kind, workspace=channel.config["workspace"], user__in=people
    )
    return dict(known.values_list("user_id", "external_id"))


def _links(delivery: Delivery, items: Sequence[DeliveryItem]) -> dict[UUID, PersonalLink]:
    """A person may decide from an e-mail about one request, below HARD_APPROVAL."""
    request, user = items[0].request, delivery.user
    if len(items) > 1 or request is None or user is None:
        return {}
    if delivery.kind not in ASKING or not _may_decide_by_mail(user, request):
        return {}
    return {request.id: make_link(delivery, request, user, database_now())}


def _may_decide_by_mail(user: User, request: ApprovalRequest) -> bool:
    return (
        request.status in OPEN
        and request.level < Level.HARD_APPROVAL
        and decision_refusal(user, request) is None
        and approval_refusal(user, request) is None
    )
