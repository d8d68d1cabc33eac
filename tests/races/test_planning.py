"""Planning beside decisions: neither waits for the other in a circle."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import connection, transaction

from approvals.models import DeliveryItem, NotificationChannel
from approvals.notifications.planner import plan_notifications
from approvals.services.locking import lock_agent, lock_request
from approvals.services.takeovers import _open_requests
from tests.factories import HARD, make_agent, make_reviewer, make_team, submit


def plan() -> int:
    try:
        return plan_notifications()
    finally:
        connection.close()


@pytest.mark.parametrize("how", ["decide", "take over"])
def test_a_message_is_planned_while_its_request_is_decided(committed_db: str, how: str) -> None:
    """What refers to a request asks only that it stays; a lock that hinders this could close a
    circle, because messages name requests in the order of their news.
    """
    team = make_team()
    make_reviewer(team)
    NotificationChannel.objects.create(kind="email", name="Mail")
    request = submit(make_agent(team)[1], facts=HARD)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            if how == "decide":
                lock_request(request.pk)
            else:
                _open_requests(lock_agent(request.agent_id))
            planned = pool.submit(plan)
            done, _ = wait([planned], timeout=10)
        assert done == {planned}
    assert planned.result() == 1
    assert DeliveryItem.objects.get().request_id == request.pk
