"""Keys, one-time links and the commands that make the first admin and agent."""

import hashlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from hitlconsole.accounts.keys import authenticate, touch
from hitlconsole.accounts.models import Agent, ApiKey, Membership, SignInLink, User
from hitlconsole.accounts.services import (
    change_agent,
    create_key,
    create_service_key,
    create_sign_in_link,
    person,
    redeem_sign_in_link,
    revoke_key,
)
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem
from tests.factories import TAKEOVER, make_admin, make_agent, make_reviewer, make_team, submit

pytestmark = pytest.mark.django_db


def refusal(secret: str) -> str:
    with pytest.raises(Problem) as caught:
        authenticate(secret)
    return caught.value.code


def run(*args: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*args, stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue()


def test_only_the_digest_of_a_key_is_kept() -> None:
    agent, secret = make_agent(make_team())
    key = ApiKey.objects.get()
    assert bytes(key.digest) == hashlib.sha256(secret.encode()).digest()
    assert secret.startswith(key.prefix + "_")
    assert secret not in str(ApiKey.objects.values().get())
    caller = authenticate(secret)
    assert (caller.key_id, caller.agent_id) == (key.id, agent.id)
    assert caller.scopes == {"submit", "execute"}


def test_keys_that_must_not_work(advance_clock) -> None:
    agent, secret = make_agent(make_team())
    expiring, timed = create_key(agent, expires_at=database_now())
    assert refusal(timed) == "key_expired"
    assert refusal(secret + "x") == "invalid_key"
    revoke_key(agent.keys.exclude(pk=expiring.pk).get(), by=person(make_admin()))
    assert refusal(secret) == "key_revoked"


def test_a_disabled_agent_is_refused_and_comes_back_as_it_was() -> None:
    admin = make_admin()
    agent, secret = make_agent(make_team())
    submit(secret, facts=TAKEOVER)
    same = {"description": "", "team": agent.team, "owner": None, "by": person(admin)}
    change_agent(agent, disabled=True, **same)
    assert refusal(secret) == "agent_disabled"
    change_agent(agent, disabled=False, **same)
    assert Agent.objects.get().status == "read_only"


def test_a_service_key_decides_and_belongs_to_no_agent() -> None:
    _, secret = create_service_key("ticketing")
    caller = authenticate(secret)
    assert (caller.agent_id, caller.service) == (None, "ticketing")
    assert caller.scopes == {"decide"}


def test_use_is_remembered_once_a_minute(advance_clock) -> None:
    make_agent(make_team())
    key = ApiKey.objects.get()
    touch(key.id)
    first = ApiKey.objects.get().last_used_at
    touch(key.id)
    assert ApiKey.objects.get().last_used_at == first
    advance_clock(seconds=61)
    touch(key.id)
    assert ApiKey.objects.get().last_used_at > first


def test_a_sign_in_link_works_once_and_for_a_day(advance_clock) -> None:
    ana = make_reviewer(make_team(), "ana@example.com")
    token = create_sign_in_link(ana).rstrip("/").rpartition("/")[2]
    assert token not in str(SignInLink.objects.values().get())
    assert redeem_sign_in_link(token) == ana
    assert redeem_sign_in_link(token) is None
    late = create_sign_in_link(ana).rstrip("/").rpartition("/")[2]
    advance_clock(hours=24, seconds=1)
    assert redeem_sign_in_link(late) is None
    assert redeem_sign_in_link("nonsense") is None


def test_create_admin_prints_a_link_and_promotes() -> None:
    make_reviewer(make_team(), "ana@example.com")
    link, words = run("create_admin", "ANA@example.com")
    user = User.objects.get()
    assert user.is_superuser
    assert "administers the console" in words
    assert redeem_sign_in_link(link.rstrip("/").rpartition("/")[2]) == user
    assert Membership.objects.filter(user=user, team__name="Default", role="reviewer").exists()
    with pytest.raises(CommandError, match="is no e-mail address"):
        run("create_admin", "ana")


def test_create_agent_prints_its_key_once() -> None:
    make_team("Payments")
    make_reviewer(make_team("Payments"), "ana@example.com")
    secret, _ = run("create_agent", "bot", "--team", "Payments", "--owner", "ana@example.com")
    agent = Agent.objects.get()
    assert authenticate(secret).agent_id == agent.id
    assert (agent.team.name, agent.owner.email) == ("Payments", "ana@example.com")
    assert [e.type for e in AuditEvent.objects.filter(agent_id=agent.id).order_by("id")] == [
        "agent_created",
        "key_created",
    ]
    for args, words in [
        (["bot"], "already"),
        (["bot2", "--team", "Nope"], "known: Payments"),
        (["bot2", "--owner", "nobody@example.com"], "nobody has the address"),
        (["x" * 81], "1 to 80 characters"),
    ]:
        with pytest.raises(CommandError, match=words):
            run("create_agent", *args)
    assert Agent.objects.count() == 1
