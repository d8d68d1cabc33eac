from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler

from approvals.api.waiting import waiting_room
from approvals.models import ApprovalRequest, Decision, Message, Notification, Takeover
from audit.models import AuditEvent
from autonomy.models import AutonomyProfile, Evaluation, Outcome
from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.accounts.services import create_service_key
from hitlconsole.asgi import WebProcess
from tests.api.client import Client, LoopThread
from tests.factories import make_agent, make_reviewer, make_team

STORED = (
    ApprovalRequest,
    AuditEvent,
    AutonomyProfile,
    Decision,
    Notification,
    Evaluation,
    Message,
    Outcome,
    Takeover,
)


@dataclass(frozen=True)
class World:
    """A team with a reviewer and an agent, and another team's agent."""

    team: Team
    reviewer: User
    agent: Agent
    key: str
    stranger: Agent
    stranger_key: str
    service_key: str


@pytest.fixture
def world(committed_db: str) -> World:
    team = make_team("Payments")
    reviewer = make_reviewer(team, "ana@example.com")
    agent, key = make_agent(team)
    stranger, stranger_key = make_agent(make_team("Others"))
    _, service_key = create_service_key("ticket desk")
    return World(team, reviewer, agent, key, stranger, stranger_key, service_key)


@pytest.fixture
def loop(committed_db: str) -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.run(_stop_waiting())
    thread.close()


async def _stop_waiting() -> None:
    await waiting_room().stop()


@pytest.fixture(params=["lean", "django"])
def door(request: pytest.FixtureRequest, loop: LoopThread, world: World) -> Client:
    """The calls that agents make all the time have two doors to one contract."""
    app = WebProcess() if request.param == "lean" else ASGIHandler()
    return Client(loop, app, world.key)


@pytest.fixture
def api(loop: LoopThread, world: World) -> Client:
    return Client(loop, WebProcess(), world.key)


@pytest.fixture
def nothing_stored(committed_db: str) -> Callable[[], AbstractContextManager[None]]:
    """with nothing_stored(): ... asserts that no row of any kind was added."""

    @contextmanager
    def watch() -> Iterator[None]:
        before = _counts()
        yield
        assert _counts() == before

    return watch


def _counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in STORED}


SUBMISSION: dict[str, Any] = {
    "action": {"type": "refund.create", "arguments": {"order": "5512", "amount": "420.00"}},
    "description": "Refund order 5512: parcel lost",
    "risk": {"reversible": False, "domains": ["financial"], "cost_usd": "420.00"},
    "confidence": {"score": 0.82, "recommendation": "PROCEED"},
}


@pytest.fixture
def submission() -> dict[str, Any]:
    return SUBMISSION | {}
