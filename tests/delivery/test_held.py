"""A verdict that was held when processes died: it counts once, and nothing went out before."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from approvals.models import ApprovalRequest, Decision, Hold, Notification
from hitlconsole.accounts.models import Preferences, Team, User
from hitlconsole.accounts.services import create_sign_in_link
from tests.approvals.helpers import trail
from tests.factories import HARD, make_agent, make_reviewer, make_team, submit
from tests.processes import console, wait_until
from tests.reviewer_browser import Reviewer

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture
def team(committed_db: str) -> Team:
    return make_team()


@pytest.fixture
def ana(team: Team) -> User:
    return make_reviewer(team, "ana@example.com")


@pytest.fixture
def key(team: Team) -> str:
    return make_agent(team)[1]


def held_by(ana: User, url: str, request: ApprovalRequest) -> None:
    """Through the pages, as people do it."""
    reviewer = Reviewer(url)
    reviewer.sign_in(urlsplit(create_sign_in_link(ana)).path)
    reviewer.work_on(str(request.id), reject=False)
    reviewer.http.close()
    request.refresh_from_db()
    assert request.status == "pending"
    assert request.held_until is not None


def proceeds(url: str, key: str, request: ApprovalRequest) -> bool:
    answer = httpx.get(
        f"{url}/api/v1/requests/{request.id}", headers={"Authorization": f"Bearer {key}"}
    )
    return bool(answer.json()["proceed"])


def counted_once(request: ApprovalRequest) -> None:
    request.refresh_from_db()
    assert (request.status, request.resolution, request.held_until) == ("approved", "human", None)
    assert [d.effect for d in Decision.objects.filter(request=request)] == ["closed"]
    assert trail(request) == ["requested", "held", "approved"]
    told = Notification.objects.filter(request=request, kind=Notification.Kind.CLOSED)
    assert told.count() == 1


def test_every_process_dies_while_it_is_held_and_two_workers_come_back(
    ana: User, key: str, committed_db: str, tmp_path: Path, advance_clock: Callable[..., None]
) -> None:
    request = submit(key, facts=HARD)
    with console(committed_db, tmp_path) as running:
        beat, worker, web = running.beat(), running.worker("due"), running.web()
        Preferences.objects.create(user=ana, hold_seconds=30)
        held_by(ana, web.url, request)
        for process in (beat, worker, web.process):
            process.kill()
        request.refresh_from_db()
        assert request.status == "pending"
        # Past its own time, and past the time limit of the request.
        advance_clock(days=2)
        running.worker("due")
        running.worker("due")
        running.beat()
        running.beat()
        approved = ApprovalRequest.objects.filter(status="approved")
        wait_until(approved.exists, "the held verdict counts")
    counted_once(request)


def test_without_any_scheduler_the_agent_that_waits_lets_it_count(
    ana: User, key: str, committed_db: str, tmp_path: Path
) -> None:
    request = submit(key, facts=HARD)
    with console(committed_db, tmp_path) as running:
        web = running.web()
        held_by(ana, web.url, request)
        assert not proceeds(web.url, key, request)
        answer = httpx.get(
            f"{web.url}/api/v1/requests/{request.id}",
            params={"wait": 60, "revision": 1},
            headers={"Authorization": f"Bearer {key}"},
            timeout=70,
        )
        assert answer.json()["proceed"] is True
    counted_once(request)


def test_redis_is_gone_while_people_decide(
    ana: User, key: str, committed_db: str, tmp_path: Path
) -> None:
    """What tells open pages is away: nothing of deciding, undoing and counting waits for it."""
    request = submit(key, facts=HARD)
    with console(committed_db, tmp_path) as running:
        web = running.web()
        running.redis.kill()
        held_by(ana, web.url, request)
        hold = Hold.objects.get()
        wait_until(lambda: proceeds(web.url, key, request), "the agent's look lets it count")
        request.refresh_from_db()
        assert request.closed_at is not None
        assert request.closed_at >= hold.counts_at
    counted_once(request)
