from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from approvals.services.executions import claim_execution, report_outcome
from audit.models import AuditEvent
from autonomy.models import AutonomyProfile
from autonomy.policy.facts import Facts
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.models import Agent, ApiKey, Role, User
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import make_action_type, make_agent, make_reviewer, make_team, submit


def agent_page(agent: Agent) -> str:
    return reverse("console:agent", args=[agent.id])


def secret_on(html: str) -> str:
    start = html.index("hitl_", html.index('id="new-key"'))
    return html[start : html.index("<", start)]


def dump_of_the_database() -> str:
    """Every text and byte column of every table, as one string."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        dumped = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" AS t')  # noqa: S608 - its own name
            dumped += [row[0] for row in cursor.fetchall()]
    return "\n".join(dumped)


def test_a_key_is_shown_once_works_and_is_kept_nowhere(house: House, admin: Client) -> None:
    answer = admin.post(
        reverse("console:new-key", args=[house.agent.id]), {"scopes": ["submit", "execute"]}
    )
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    secret = secret_on(answer.content.decode())
    assert authenticate(secret).agent_id == house.agent.id
    assert secret not in admin.get(agent_page(house.agent)).content.decode()
    dumped = dump_of_the_database()
    assert secret not in dumped
    assert secret[13:] not in dumped
    assert secret[:13] in dumped


def test_a_key_has_the_chosen_scopes_and_lifetime(house: House, admin: Client) -> None:
    admin.post(
        reverse("console:new-key", args=[house.agent.id]), {"scopes": ["submit"], "lifetime": "30"}
    )
    key = ApiKey.objects.order_by("-created_at").first()
    assert key is not None
    assert key.scopes == ["submit"]
    assert key.expires_at is not None
    left = key.expires_at - database_now()
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


def test_a_key_without_scopes_or_with_that_to_decide_is_refused(
    house: House, admin: Client
) -> None:
    address = reverse("console:new-key", args=[house.agent.id])
    for scopes in ([], ["decide"], ["submit", "decide"]):
        assert admin.post(address, {"scopes": scopes}).status_code == 422
    assert ApiKey.objects.count() == 1


def test_a_revoked_key_works_no_more(house: House, admin: Client) -> None:
    key = ApiKey.objects.get()
    admin.post(reverse("console:revoke-key", args=[house.agent.id, key.id]))
    with pytest.raises(Problem, match="key_revoked"):
        authenticate(house.key)
    assert "revoked" in read(admin.get(agent_page(house.agent))).text


def test_registering_changing_and_disabling_an_agent(house: House, admin: Client) -> None:
    form = {"name": "mail-bot", "team": str(house.team.id), "description": "Sends mail"}
    admin.post(reverse("console:new-agent"), form)
    agent = Agent.objects.get(name="mail-bot")
    assert (agent.team, agent.description, agent.owner) == (house.team, "Sends mail", None)
    again = admin.post(reverse("console:new-agent"), form)
    assert "There is an agent of this name already" in read(again).text
    support = make_team("Support")
    changed = {
        "description": "Sends letters",
        "team": str(support.id),
        "owner": str(house.ana.id),
        "disabled": "on",
    }
    admin.post(reverse("console:edit-agent", args=[agent.id]), changed)
    agent.refresh_from_db()
    assert (agent.description, agent.team, agent.owner, agent.status) == (
        "Sends letters",
        support,
        house.ana,
        "disabled",
    )
    kinds = AuditEvent.objects.filter(agent_id=agent.id).order_by("id").values_list("type")
    assert [kind for (kind,) in kinds] == ["agent_created", "agent_changed"]


def test_an_admin_of_a_team_manages_its_agents_and_no_other(
    house: House, as_person: Callable[[User], Client]
) -> None:
    support = make_team("Support")
    lead = as_person(make_reviewer(house.team, "lead@example.com", Role.ADMIN))
    mine = {"name": "mine-bot", "team": str(house.team.id)}
    other = {"name": "other-bot", "team": str(support.id)}
    assert lead.post(reverse("console:new-agent"), mine).status_code == 302
    assert lead.post(reverse("console:new-agent"), other).status_code == 422
    moved = {"description": "", "team": str(support.id)}
    away = lead.post(reverse("console:edit-agent", args=[house.agent.id]), moved)
    assert away.status_code == 422
    house.agent.refresh_from_db()
    assert house.agent.team == house.team


def test_moving_the_autonomy_takes_a_reason(house: House, admin: Client) -> None:
    address = reverse("console:move-profile", args=[house.agent.id])
    form = {"action_type": "refund.create", "level": "1"}
    refused = admin.post(address, form | {"reason": "  "})
    assert refused.status_code == 422
    assert "The autonomy was not moved" in read(refused).text
    assert not AutonomyProfile.objects.exists()
    admin.post(address, form | {"reason": "Thirty refunds without a mistake"})
    assert AutonomyProfile.objects.get().level == 1
    text = read(admin.get("/audit/?type=profile_moved")).text
    assert "Autonomy moved" in text
    assert "Thirty refunds without a mistake" in text


def fail(house: House) -> None:
    """An automatic request that goes wrong."""
    request = submit(house.key, action_type="order.lookup", facts=Facts())
    claim_execution(agent_id=house.agent.id, request_id=request.id, claim_id="one")
    report_outcome(agent_id=house.agent.id, request_id=request.id, result="failure")


def test_the_list_counts_open_requests_and_failures(
    house: House, ana: Client, advance_clock: Callable[..., None]
) -> None:
    make_action_type("order.lookup", side_effects=False)
    submit(house.key)
    fail(house)
    text = read(ana.get("/agents/")).text
    assert "support-bot Active Payments nobody 1 1" in text
    advance_clock(hours=25)
    assert "support-bot Active Payments nobody 1 0" in read(ana.get("/agents/")).text


def test_the_list_costs_the_same_queries_at_1_and_at_20_agents(house: House, ana: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            ana.get("/agents/")
        return len(queries)

    ana.get("/agents/")
    at_one = cost()
    for n in range(20):
        make_agent(house.team, f"bot-{n}")
    assert cost() == at_one


def test_the_outcome_and_execution_are_told_on_agent_and_request(house: House, ana: Client) -> None:
    make_action_type("order.lookup", side_effects=False)
    fail(house)
    request = house.agent.requests.get()
    text = read(ana.get(agent_page(house.agent))).text
    assert "Failure order.lookup" in text
    text = read(ana.get(reverse("console:request", args=[request.id]))).text
    assert "Approved by policy" in text
    assert "Execution Outcome reported Failure" in text


def test_the_snippets_name_the_real_address(house: House, ana: Client, settings: Settings) -> None:
    settings.BASE_URL = "https://hitl.example"
    text = read(ana.get(agent_page(house.agent))).text
    assert "curl -sS https://hitl.example/api/v1/requests" in text
    assert 'BASE, KEY = "https://hitl.example/api/v1", "KEY"' in text


def test_readers_see_keys_by_their_prefix_alone_and_no_forms(house: House, ana: Client) -> None:
    page = read(ana.get(agent_page(house.agent)))
    assert ApiKey.objects.get().prefix in page.text
    assert house.key not in page.html
    posts = {form.action for form in page.forms if form.method == "post"}
    assert not [action for action in posts if action.startswith("/agents/")]


def test_a_callback_secret_is_shown_once(house: House, admin: Client, ana: Client) -> None:
    url = reverse("console:new-callback-secret", args=[house.agent.id])
    assert ana.post(url).status_code == 403
    page = admin.post(url).content.decode()
    assert "whsec_" in page
    assert "whsec_" not in admin.get(agent_page(house.agent)).content.decode()
