"""A team with two reviewers and an agent, for tests that tell a story with them."""

import pytest

from hitlconsole.accounts.models import Agent, Team, User
from tests.factories import make_agent, make_reviewer, make_team


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


@pytest.fixture
def ana(team: Team) -> User:
    return make_reviewer(team, "ana@example.com")


@pytest.fixture
def bo(team: Team) -> User:
    return make_reviewer(team, "bo@example.com")


@pytest.fixture
def agent_and_key(team: Team) -> tuple[Agent, str]:
    return make_agent(team)


@pytest.fixture
def key(agent_and_key: tuple[Agent, str]) -> str:
    return agent_and_key[1]
