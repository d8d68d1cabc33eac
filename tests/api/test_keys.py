"""Who may call what: the whole matrix of keys and calls."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit.events import SYSTEM
from hitlconsole.accounts.models import Agent, ApiKey, Scope
from hitlconsole.accounts.services import create_key, revoke_key
from hitlconsole.lib.clock import database_now
from tests.api.client import Client
from tests.api.conftest import SUBMISSION, World


@pytest.fixture
def committed_db(committed_db_of_module: str) -> str:
    """Many small tests, each with an agent of its own."""
    return committed_db_of_module


NO_REQUEST = "01a2103d-2320-7142-8eb9-3834c1803c9b"
SUBMIT_CALLS = [
    ("POST", "/requests", SUBMISSION),
    ("GET", "/requests", None),
    ("GET", f"/requests/{NO_REQUEST}", None),
    ("POST", "/requests/batch", {"requests": [SUBMISSION]}),
    ("POST", "/evaluate", SUBMISSION),
    ("GET", "/agents/me", None),
    ("POST", f"/requests/{NO_REQUEST}/cancel", {}),
    ("POST", f"/requests/{NO_REQUEST}/messages", {"text": "x"}),
]
EXECUTE_CALLS = [
    ("POST", f"/requests/{NO_REQUEST}/execution", {"claim_id": "x"}),
    ("POST", f"/requests/{NO_REQUEST}/outcome", {"result": "success"}),
]
DECISION = {"verdict": "approve", "reviewer": "ana@example.com", "revision": 1}
DECIDE_CALLS = [("POST", f"/requests/{NO_REQUEST}/decision", DECISION)]
ALL = SUBMIT_CALLS + EXECUTE_CALLS + DECIDE_CALLS
Calls = list[tuple[str, str, Any]]


def outcomes(client: Client, calls: Calls) -> list[str]:
    """What each call was refused with, or "passed" the key (NO_REQUEST is found by nobody)."""
    codes = []
    for method, path, body in calls:
        answer = client.call(method, path, **({} if body is None else {"json": body}))
        code = answer.json().get("code", "passed")
        codes.append("passed" if code == "not_found" else code)
    return codes


def test_without_a_key(door: Client, nothing_stored: Any) -> None:
    with nothing_stored():
        assert outcomes(door.with_key(None), ALL) == ["missing_key"] * len(ALL)
        basic = door.with_key(None).get("/requests", headers={"Authorization": "Basic eDp5"})
        assert (basic.status_code, basic.json()["code"]) == (401, "missing_key")
        assert basic.headers["www-authenticate"] == 'Bearer realm="hitl"'


@pytest.mark.parametrize(
    "secret", ["hitl_0a1b2c3d_" + "A" * 43, "x", "x" * 5000], ids=["well-formed", "short", "long"]
)
def test_an_unknown_key(door: Client, secret: str, nothing_stored: Any) -> None:
    with nothing_stored():
        assert outcomes(door.with_key(secret), ALL) == ["invalid_key"] * len(ALL)


def test_a_key_beyond_ascii(door: Client, nothing_stored: Any) -> None:
    with nothing_stored():
        for method, path in (("POST", "/requests"), ("GET", f"/requests/{NO_REQUEST}")):
            headers = [(b"authorization", b"Bearer \xff\xfe")]
            answer = door.with_key(None).call(method, path, json=SUBMISSION, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")


def test_the_scheme_in_any_case(door: Client, world: World) -> None:
    headers = {"Authorization": f"bEARER {world.key}"}
    assert door.with_key(None).post("/requests", SUBMISSION, headers=headers).status_code == 202


def test_a_revoked_key(door: Client, world: World, nothing_stored: Any) -> None:
    assert door.post("/requests", SUBMISSION).status_code == 202
    revoke_key(ApiKey.objects.get(agent=world.agent), by=SYSTEM)
    with nothing_stored():
        assert outcomes(door, ALL) == ["key_revoked"] * len(ALL)


def test_an_expired_key(
    door: Client, world: World, advance_clock: Callable[..., None], nothing_stored: Any
) -> None:
    expires_at = database_now() + timedelta(seconds=60)
    _, secret = create_key(world.agent, expires_at=expires_at)
    client = door.with_key(secret)
    assert client.post("/requests", SUBMISSION).status_code == 202
    advance_clock(seconds=60)
    with nothing_stored():
        assert outcomes(client, ALL) == ["key_expired"] * len(ALL)


def test_a_disabled_agent(door: Client, world: World, nothing_stored: Any) -> None:
    assert door.post("/requests", SUBMISSION).status_code == 202
    Agent.objects.filter(pk=world.agent.pk).update(status=Agent.Status.DISABLED)
    with nothing_stored():
        assert outcomes(door, ALL) == ["agent_disabled"] * len(ALL)


def test_an_agents_keys(door: Client, world: World) -> None:
    passes, refused = ["passed"], ["wrong_scope"]
    submit, execute, decide = (len(calls) for calls in (SUBMIT_CALLS, EXECUTE_CALLS, DECIDE_CALLS))
    _, submit_key = create_key(world.agent, scopes=[Scope.SUBMIT])
    _, execute_key = create_key(world.agent, scopes=[Scope.EXECUTE])
    assert outcomes(door, ALL) == passes * (submit + execute) + refused * decide
    assert outcomes(door.with_key(submit_key), ALL) == passes * submit + refused * (
        execute + decide
    )
    assert outcomes(door.with_key(execute_key), ALL) == (
        refused * submit + passes * execute + refused * decide
    )


def test_a_services_key_decides_and_does_nothing_else(
    door: Client, world: World, nothing_stored: Any
) -> None:
    with nothing_stored():
        codes = outcomes(door.with_key(world.service_key), ALL)
    assert codes == ["wrong_scope"] * (len(ALL) - 1) + ["passed"]


def test_a_services_key_with_an_agents_scope(
    door: Client, world: World, nothing_stored: Any
) -> None:
    ApiKey.objects.filter(service="ticket desk").update(scopes=["submit", "execute", "decide"])
    with nothing_stored():
        codes = outcomes(door.with_key(world.service_key), ALL)
    assert codes == ["wrong_scope"] * (len(ALL) - 1) + ["passed"]


def test_the_use_of_a_key_is_noted(door: Client, world: World) -> None:
    assert _last_use(world) is None
    before = database_now()
    door.post("/requests", SUBMISSION)
    used = _last_use(world)
    assert before <= used <= database_now()
    door.get("/requests")
    assert _last_use(world) == used


def _last_use(world: World) -> Any:
    return ApiKey.objects.get(agent=world.agent).last_used_at
