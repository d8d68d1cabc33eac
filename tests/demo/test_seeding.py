import json
import stat
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from autonomy.models import ActionType, AutonomyProfile
from autonomy.vocabulary import Level
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.models import Agent, ApiKey, Membership, Team, User
from hitlconsole.demo.keys import keys_file, read_keys
from hitlconsole.demo.seeding import seed
from hitlconsole.demo.world import ACTION_TYPES, AGENTS, PEOPLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: LazySettings) -> Path:
    settings.HOME = tmp_path
    return tmp_path


def _counts() -> dict[str, int]:
    models: tuple[Any, ...] = (
        User,
        Team,
        Membership,
        Agent,
        ApiKey,
        ActionType,
        AutonomyProfile,
        AuditEvent,
    )
    return {model.__name__: model._default_manager.count() for model in models}


def test_the_world_is_made_and_is_on_record() -> None:
    seed()

    kinds = Counter(AuditEvent.objects.values_list("type", flat=True))
    assert kinds == {
        "team_created": 3,
        "person_created": len(PEOPLE),
        # and the one of the admin, who is made one
        "membership_changed": sum(len(person.roles) for person in PEOPLE) + 1,
        "action_type_created": len(ACTION_TYPES),
        "agent_created": len(AGENTS),
        "profile_moved": 3,
        "key_created": len(AGENTS) + 1,
        "channel_changed": 2,
        # two policies and a rotation
        "escalation_changed": 3,
    }
    assert list(User.objects.filter(is_superuser=True).values_list("name", flat=True)) == [
        "Ana Duarte"
    ]
    moved = AutonomyProfile.objects.values_list("agent__name", "action_type", "level")
    assert set(moved) == {
        ("support-bot", "ticket.close", Level.FULL_AUTO),
        ("crm-bot", "record.update", Level.NOTIFY_ONLY),
        ("ops-bot", "service.restart", Level.NOTIFY_ONLY),
    }


def test_seeding_again_changes_nothing() -> None:
    seed()
    before, keys = _counts(), keys_file().read_text()
    seed()
    assert (_counts(), keys_file().read_text()) == (before, keys)


def test_what_people_changed_since_stays() -> None:
    seed()
    ActionType.objects.filter(name="refund.create").update(hard_seconds=60)
    Membership.objects.filter(user__email="mei@example.com").delete()
    seed()
    assert ActionType.objects.get(name="refund.create").hard_seconds == 60
    assert not Membership.objects.filter(user__email="mei@example.com").exists()


def test_the_keys_open_the_door_and_only_their_owner_reads_them() -> None:
    seed()
    keys = read_keys()

    names = {authenticate(secret).agent_id: name for name, secret in keys.agents.items()}
    assert names == dict(Agent.objects.values_list("id", "name"))
    desk = authenticate(keys.desk)
    assert (desk.agent_id, desk.scopes) == (None, frozenset({"decide"}))
    assert stat.S_IMODE(keys_file().stat().st_mode) == 0o600


def test_a_key_that_is_gone_is_made_again() -> None:
    seed()
    former = read_keys()
    ApiKey.objects.filter(agent__name="ops-bot").delete()
    seed()

    keys = read_keys()
    assert authenticate(keys.agents["ops-bot"]).agent_id == Agent.objects.get(name="ops-bot").id
    assert keys.agents["ops-bot"] != former.agents["ops-bot"]
    assert keys.agents | {"ops-bot": ""} == former.agents | {"ops-bot": ""}


def test_links_are_printed_for_everybody_and_say_who_administers() -> None:
    seed()
    out = StringIO()
    call_command("demo_links", stdout=out)

    head, *lines = [line.strip() for line in out.getvalue().splitlines() if line.strip()]
    assert head == "Sign in as (each link works once, within a day):"
    assert [" ".join(line.split()) for line in lines[::2]] == [
        "Ana Duarte ADMIN of the console · reviews for Operations, Payments and Support",
        "Jonas Weber reviews for Payments",
        "Mei Tanaka reviews for Support",
        "Samuel Okafor reviews for Operations and Payments",
        "Ines Laurent reviews for Operations and Support · administers Support",
        "Priya Nair reads Operations, Payments and Support",
    ]
    assert len(set(lines[1::2])) == len(PEOPLE)
    assert AuditEvent.objects.filter(type="sign_in_link_created").count() == len(PEOPLE)


def test_links_before_the_seed_say_what_is_missing() -> None:
    with pytest.raises(CommandError, match="run demo_seed first"):
        call_command("demo_links")


def test_agents_do_not_start_without_their_keys() -> None:
    with pytest.raises(CommandError, match="run demo_seed first"):
        call_command("demo_agents")
    seed()
    stored = json.loads(keys_file().read_text())
    keys_file().write_text(json.dumps(stored | {"desk": ""}))
    with pytest.raises(CommandError, match="run demo_seed first"):
        call_command("demo_agents")
