"""From news to messages: who is told, on which channels, folded where they come in bursts.

A notification is planned once, under its lock and in one transaction with the deliveries that
come of it. Nothing is sent here.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, F

from approvals.escalation.policy import EscalationPolicy, QuietHours, quiet_until
from approvals.escalation.recipients import Roster, resolve, resolve_exhausted
from approvals.models import (
    ApprovalRequest,
    ChannelIdentity,
    Delivery,
    DeliveryItem,
    Notice,
    Notification,
    NotificationChannel,
    Transport,
)
from approvals.notifications.audience import (
    CALLBACKS,
    CLOSING,
    FOR_PEOPLE,
    ChannelFacts,
    Kind,
    Role,
    Route,
    awaits_due_step,
    channels_for,
    is_overtaken,
    routes,
)
from approvals.services.roster import load_quiet_hours, load_roster
from approvals.services.tiers import escalations_of
from hitlconsole.lib.clock import database_now

logger = logging.getLogger(__name__)

# More than that many in a row to the same receiver are folded into one message ...
BURST = 3
BURST_SPAN = timedelta(seconds=60)
# ... which waits that long for more to come: short beside the notice that silence needs.
COLLECT = timedelta(seconds=10)
# A message lists all that it tells of: what is not listed, nobody was told.
MOST_ITEMS = 100
# Slack refuses messages of more than about 12,000 characters.
MOST_ITEMS_OF: Mapping[str, int] = {Transport.SLACK: 40}
RETRY = timedelta(seconds=30)
MAX_ATTEMPTS = 20
WAIT, MOST_WAITS = timedelta(seconds=2), 10

_CLAIM = """
SELECT id FROM approvals_notification
WHERE status = 'queued' AND next_attempt_at <= (SELECT hitl_now())
ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED
"""


class Group(NamedTuple):
    """News that the same people are told on the same channels."""

    team_id: UUID
    tier: int
    kind: Kind


@dataclass(slots=True)
class Plan:
    """What one transaction of planning reads and what it makes."""

    now: datetime
    roster: Roster
    policies: dict[UUID, EscalationPolicy]
    channels: list[tuple[UUID | None, ChannelFacts]]
    # People's own quiet hours.
    quiet: Mapping[UUID, QuietHours] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    items: list[DeliveryItem] = field(default_factory=list)
    # How many messages a receiver got of late, by channel and person.
    recent: Counter[tuple[UUID | None, UUID | None]] = field(default_factory=Counter)

    def channels_of(self, team_id: UUID) -> list[ChannelFacts]:
        return [facts for owner, facts in self.channels if owner in (None, team_id)]


def plan_notifications(limit: int = 500) -> int:
    """Plan what is queued, oldest first; how many were planned.

    Where a group of them fails, each is planned alone, so that one does not hold up the others.
    """
    try:
        with transaction.atomic():
            return _plan_some(_claim(limit))
    except Exception:  # whatever it is: one by one it shows which notification has it
        logger.exception("planning a group of notifications failed; they are planned one by one")
    with transaction.atomic():
        ids = _claim(limit)
    return sum(map(_plan_alone, ids))


def _claim(limit: int) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [limit])
        return [row[0] for row in cursor.fetchall()]


def _plan_alone(notification_id: UUID) -> int:
    try:
        with transaction.atomic():
            return _plan_some([notification_id])
    except Exception as error:  # it is tried again, and given up in the end
        logger.exception("planning notification %s failed", notification_id)
        _postpone(notification_id, str(error))
        return 0


@transaction.atomic
def _postpone(notification_id: UUID, error: str) -> None:
    news = Notification.objects.select_for_update().get(pk=notification_id)
    news.attempts += 1
    news.last_error = error[:2000]
    news.next_attempt_at = database_now() + RETRY * news.attempts
    if news.attempts >= MAX_ATTEMPTS:
        news.status = Notification.Status.DEAD
    news.save(update_fields=["attempts", "last_error", "next_attempt_at", "status"])


def _plan_some(ids: Sequence[UUID]) -> int:
    queued = Notification.objects.filter(pk__in=ids, status=Notification.Status.QUEUED)
    related = ("request", "takeover__request")
    found = list(queued.select_for_update(of=("self",)).select_related(*related).order_by("id"))
    found = _without_overdue(found)
    if not found:
        return 0
    plan = begin_plan({news.team_id for news in found})
    groups: dict[Group, list[Notification]] = defaultdict(list)
    for news in found:
        groups[Group(news.team_id, news.tier, Kind(news.kind))].append(news)
    for group, members in groups.items():
        _plan_group(plan, group, members)
    store_plan(plan)
    done = Notification.objects.filter(pk__in=[news.pk for news in found])
    done.update(status=Notification.Status.PLANNED, planned_at=plan.now, last_error="")
    return len(found)


def _without_overdue(found: list[Notification]) -> list[Notification]:
    """After an outage the time limits come first. Who enforces them may be away: after some
    seconds people are told all the same.
    """
    now = database_now()
    overdue = {
        news.pk
        for news in found
        if news.request and awaits_due_step(news, news.request, now) and news.attempts < MOST_WAITS
    }
    later: dict[str, Any] = {"attempts": F("attempts") + 1, "next_attempt_at": now + WAIT}
    Notification.objects.filter(pk__in=overdue).update(**later)
    return [news for news in found if news.pk not in overdue]


def begin_plan(team_ids: set[UUID]) -> Plan:
    now = database_now()
    policies = escalations_of(team_ids)
    facts = (load_roster(now), policies, load_channels(), load_quiet_hours())
    return Plan(now, *facts, recent=_recent(now))


def _recent(now: datetime) -> Counter[tuple[UUID | None, UUID | None]]:
    late = Delivery.objects.filter(channel__isnull=False, created_at__gt=now - BURST_SPAN)
    counted = late.values_list("channel", "user").annotate(messages=Count("id"))
    return Counter({(channel, user): messages for channel, user, messages in counted})


def load_channels() -> list[tuple[UUID | None, ChannelFacts]]:
    """Every channel that is switched on, with its team (None: all of them)."""
    found = NotificationChannel.objects.filter(enabled=True).prefetch_related("readers")
    names: dict[tuple[str, str], set[UUID]] = defaultdict(set)
    for identity in ChannelIdentity.objects.all():
        names[identity.kind, identity.workspace].add(identity.user_id)
    facts = []
    for channel in found.order_by("created_at", "id"):
        readers = {person.pk for person in channel.readers.all()}
        readers |= names[channel.kind, channel.config.get("workspace", "")]
        one = ChannelFacts(channel.id, channel.kind, channel.role, frozenset(readers))
        facts.append((channel.team_id, one))
    return facts


def _plan_group(plan: Plan, group: Group, news: list[Notification]) -> None:
    channels = plan.channels_of(group.team_id)
    everything = [channel for channel in channels if channel.role == Role.EVERYTHING]
    told: list[UUID] = []
    if group.kind in FOR_PEOPLE:
        told = _people(plan, group)
        policy = plan.policies[group.team_id]
        everything = channels_for(group.kind, policy, group.tier, channels) + everything
        fresh = [one for one in news if not (one.request and is_overtaken(one, one.request))]
        plan.notices += [Notice(notification=one, user_id=who) for one in fresh for who in told]
    for route in routes(dict.fromkeys(everything), told):
        add_messages(plan, group, route, news)
    for one in news:
        _plan_callbacks(plan, group, one)
    if group.kind in CLOSING:
        plan_updates(plan, [one.request_id for one in news if one.request_id])


def _people(plan: Plan, group: Group) -> list[UUID]:
    who = resolve_exhausted if group.kind is Kind.EXPIRED else resolve
    policy = plan.policies[group.team_id]
    # What is held back goes to whoever is there then.
    at = _held_until(plan, group, None) or plan.now
    resolved = who(policy, group.tier, plan.roster, group.team_id, at)
    return [one.person for one in resolved.told]


def add_messages(plan: Plan, group: Group, route: Route, news: Sequence[Notification]) -> None:
    """One message each, or folded ones where the receiver gets many in a row."""
    if route.transport == Transport.WEBHOOK:
        fold = False  # programs want each thing by itself
    else:
        fold = plan.recent[route.channel, route.person] + len(news) > BURST
    plan.recent[route.channel, route.person] += len(news)
    held = _held_until(plan, group, route.person)
    if not fold:
        for one in news:
            _add(plan, _message(plan, group, route, held or plan.now), [one])
        return
    most = _most_items(route)
    for begin in range(0, len(news), most):
        part = news[begin : begin + most]
        delivery = _collecting(plan, group, route, len(part))
        _add(plan, delivery or _message(plan, group, route, held or plan.now + COLLECT), part)


def _most_items(route: Route) -> int:
    return MOST_ITEMS_OF.get(route.transport, MOST_ITEMS)


def _held_until(plan: Plan, group: Group, person: UUID | None) -> datetime | None:
    """Quiet hours hold back what nobody has to act on, and nothing else: the team's, and behind
    them those of who alone gets the message.
    """
    if group.kind is not Kind.NOTIFY:
        return None
    held = None
    for quiet in (plan.policies[group.team_id].quiet, plan.quiet.get(person) if person else None):
        held = (quiet_until(quiet, held or plan.now) if quiet else None) or held
    return held


def _message(plan: Plan, group: Group, route: Route, at: datetime) -> Delivery:
    return Delivery(
        channel_id=route.channel,
        transport=route.transport,
        kind=group.kind,
        team_id=group.team_id,
        user_id=route.person,
        people=list(route.people),
        next_attempt_at=at,
        created_at=plan.now,
    )


def _collecting(plan: Plan, group: Group, route: Route, more: int) -> Delivery | None:
    """A message of the same kind to the same receiver that was not tried yet and has room.

    Its row is locked, so that it is not sent while it grows.
    """
    found = (
        Delivery.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(
            status=Delivery.Status.QUEUED,
            attempts=0,
            next_attempt_at__gt=plan.now,
            channel=route.channel,
            user=route.person,
            kind=group.kind,
            team=group.team_id,
        )
        .order_by("created_at")
        .last()
    )
    if found is None or found.items.count() + more > _most_items(route):
        return None
    if not set(route.people) <= set(found.people):
        return None
    return found


def _add(plan: Plan, delivery: Delivery, news: Sequence[Notification]) -> None:
    if delivery._state.adding:
        plan.deliveries.append(delivery)
    plan.items += [
        DeliveryItem(
            delivery=delivery,
            notification=one,
            request_id=one.request_id,
            takeover_id=one.takeover_id,
        )
        for one in news
    ]


def _plan_callbacks(plan: Plan, group: Group, news: Notification) -> None:
    if group.kind not in CALLBACKS:
        return
    for url in _callback_urls(news):
        delivery = Delivery(
            transport=Transport.CALLBACK,
            kind=group.kind,
            team_id=group.team_id,
            address=url,
            next_attempt_at=plan.now,
            created_at=plan.now,
        )
        _add(plan, delivery, [news])


def _callback_urls(news: Notification) -> list[str]:
    """Of a takeover: those of the request that caused it and of the requests that it holds."""
    if news.request is not None:
        return [news.request.callback_url] if news.request.callback_url else []
    takeover = news.takeover
    if takeover is None:
        return []
    ids = [*takeover.open_request_ids, takeover.request_id]
    held = ApprovalRequest.objects.filter(pk__in=[pk for pk in ids if pk]).exclude(callback_url="")
    return sorted(set(held.values_list("callback_url", flat=True)))


def plan_updates(plan: Plan, request_ids: Sequence[UUID]) -> None:
    """Messages that can be changed say how their request ended; one change for each of them."""
    sent = Delivery.objects.filter(
        transport=Transport.SLACK,
        status=Delivery.Status.SENT,
        updates=None,
        items__request__in=request_ids,
    ).exclude(provider_ref="")
    waiting = Delivery.objects.filter(status=Delivery.Status.QUEUED, attempts=0)
    for message in sent.exclude(pk__in=waiting.filter(updates__isnull=False).values("updates")):
        if any(one.updates_id == message.pk for one in plan.deliveries):
            continue
        update = Delivery(
            channel_id=message.channel_id,
            transport=message.transport,
            kind=Kind.CLOSED,
            team_id=message.team_id,
            updates=message,
            next_attempt_at=plan.now,
            created_at=plan.now,
        )
        _add(plan, update, [item.notification for item in _items_of(message)])


def plan_late_update(delivery: Delivery) -> None:
    """A message that was on its way while its request was closed has to say so."""
    closed = delivery.items.filter(request__closed_at__isnull=False)
    ids = list(closed.values_list("request_id", flat=True))
    if ids:
        plan = begin_plan({delivery.team_id})
        plan_updates(plan, ids)
        store_plan(plan)


def _items_of(delivery: Delivery) -> list[DeliveryItem]:
    return list(delivery.items.select_related("notification").order_by("id"))


def store_plan(plan: Plan) -> None:
    Notice.objects.bulk_create(plan.notices, ignore_conflicts=True, batch_size=2000)
    Delivery.objects.bulk_create(plan.deliveries, batch_size=1000)
    DeliveryItem.objects.bulk_create(plan.items, batch_size=2000)
