"""What lists cost: as many queries for many requests as for one."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.models import ApprovalRequest
from tests.api.conftest import SUBMISSION
from tests.approvals.helpers import decide
from tests.factories import HARD, make_agent, make_reviewer, make_team, submit

pytestmark = pytest.mark.django_db


class Agent:
    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"}

    def listed(self) -> list[dict[str, Any]]:
        answer = Client().get("/api/v1/requests?limit=50", headers=self._headers)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def repeat(self, keys: list[str]) -> list[dict[str, Any]]:
        questions = [SUBMISSION | {"idempotency_key": key} for key in keys]
        answer = Client().post(
            "/api/v1/requests/batch",
            json.dumps({"requests": questions}),
            content_type="application/json",
            headers=self._headers,
        )
        return [item["request"] for item in answer.json()["items"]]


def questions(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["status"], item["decision"]["notes"]) for item in items]


def test_a_list_of_requests_that_wait_for_answers() -> None:
    team = make_team()
    ana, (_, key) = make_reviewer(team), make_agent(team)
    agent = Agent(key)

    def ask_about(number: int) -> None:
        decide(submit(key, facts=HARD), ana, "ask", notes=f"Which one, {number}?")

    ask_about(0)
    agent.listed()  # what is read once a process is read now
    with CaptureQueriesContext(connection) as one:
        assert questions(agent.listed()) == [("needs_info", "Which one, 0?")]
    for number in range(1, 20):
        ask_about(number)
    with CaptureQueriesContext(connection) as twenty:
        seen = questions(agent.listed())
    assert seen == [("needs_info", f"Which one, {n}?") for n in reversed(range(20))]
    assert len(twenty) == len(one)


def test_a_batch_of_repeats_of_requests_that_wait_for_answers() -> None:
    team = make_team()
    ana, (_, key) = make_reviewer(team), make_agent(team)
    agent, keys = Agent(key), [str(number) for number in range(20)]
    for number, stored in zip(keys, agent.repeat(keys), strict=True):
        request = ApprovalRequest.objects.get(pk=stored["id"])
        decide(request, ana, "ask", notes=f"Which one, {number}?")
    agent.repeat(keys[:1])
    with CaptureQueriesContext(connection) as one:
        assert questions(agent.repeat(keys[:1])) == [("needs_info", "Which one, 0?")]
    with CaptureQueriesContext(connection) as twenty:
        seen = questions(agent.repeat(keys))
    assert seen == [("needs_info", f"Which one, {number}?") for number in keys]
    assert len(twenty) == len(one)


def test_the_question_is_the_last_one() -> None:
    team = make_team()
    ana, (_, key) = make_reviewer(team), make_agent(team)
    request = submit(key, facts=HARD)
    agent = Agent(key)
    decide(request, ana, "ask", notes="The first?")
    Client().post(
        f"/api/v1/requests/{request.id}/messages",
        json.dumps({"text": "Yes"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert agent.listed()[0]["decision"] is None
    decide(request, ana, "ask", notes="The second?")
    assert questions(agent.listed()) == [("needs_info", "The second?")]
