from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from hitlconsole.accounts.models import Agent, Preferences, Team, User
from hitlconsole.accounts.sessions import SIGNED_IN_AT
from hitlconsole.lib.clock import database_now
from tests.factories import make_admin, make_agent, make_reviewer, make_team


@dataclass(frozen=True)
class House:
    """A team with two reviewers and an agent, and an admin of everything."""

    team: Team
    ana: User
    ben: User
    admin: User
    agent: Agent
    key: str


@pytest.fixture
def house(db: None) -> House:
    team = make_team("Payments")
    agent, key = make_agent(team, "support-bot")
    ana = make_reviewer(team, "ana@example.com")
    ben = make_reviewer(team, "ben@example.com")
    return House(team, ana, ben, make_admin(), agent, key)


@pytest.fixture
def as_person() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        """As by the sign-in page, just now; what they decide counts at once."""
        client = Client()
        client.force_login(user)
        session = client.session
        session[SIGNED_IN_AT] = database_now().isoformat()
        session.save()
        Preferences.objects.update_or_create(user=user, defaults={"hold_seconds": 0})
        return client

    return sign_in


@pytest.fixture
def ana(house: House, as_person: Callable[[User], Client]) -> Client:
    return as_person(house.ana)


@pytest.fixture
def ben(house: House, as_person: Callable[[User], Client]) -> Client:
    return as_person(house.ben)


@pytest.fixture
def admin(house: House, as_person: Callable[[User], Client]) -> Client:
    return as_person(house.admin)
