"""When a channel fails, the backup is told: people, not channels, are what counts."""

from uuid import UUID

from approvals.models import Delivery, DeliveryItem, Notice, Notification
from approvals.notifications.audience import FOR_PEOPLE, Kind, Route, backup_for, routes
from approvals.notifications.planner import Group, add_messages, begin_plan, store_plan

# The first failure may be a hiccup; the second one comes after some seconds.
FAILURES_BEFORE = 2


def plan_backup(delivery: Delivery) -> None:
    """For a message to people that was given up, or has failed twice or more.

    Whoever was told on the backup channel already is not told again.
    """
    failed = delivery.status == Delivery.Status.DEAD or delivery.attempts >= FAILURES_BEFORE
    if not failed or delivery.kind not in FOR_PEOPLE:
        return
    plan = begin_plan({delivery.team_id})
    policy, channels = plan.policies[delivery.team_id], plan.channels_of(delivery.team_id)
    for news in _lock_news(delivery):
        group = Group(delivery.team_id, news.tier, Kind(news.kind))
        for route in routes(backup_for(policy, news.tier, channels), _people(news)):
            if _concerns(delivery, route) and not _was_told(news, route.channel, route.person):
                add_messages(plan, group, route, [news])
    store_plan(plan)


def _lock_news(delivery: Delivery) -> list[Notification]:
    """Messages of several people about the same news may fail at the same time."""
    news = Notification.objects.filter(pk__in=delivery.items.values("notification"))
    return list(news.select_for_update(no_key=True).order_by("id"))


def _people(news: Notification) -> list[UUID]:
    return list(Notice.objects.filter(notification=news).values_list("user", flat=True))


def _concerns(delivery: Delivery, route: Route) -> bool:
    """A shared channel names everybody; a personal message goes to those who missed one."""
    return route.person is None or delivery.user_id in (None, route.person)


def _was_told(news: Notification, channel: UUID, person: UUID | None) -> bool:
    return DeliveryItem.objects.filter(
        notification=news, delivery__channel=channel, delivery__user=person
    ).exists()
