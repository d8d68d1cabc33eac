"""Every scene, many times over: what it asks is valid, and is caught as it should be."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from approvals.api.bodies import SubmissionIn
from approvals.schemas import argument_errors, schema_errors
from autonomy.policy.decide import decide_level
from autonomy.policy.document import PolicyDocument
from autonomy.policy.facts import ActionTypeFacts, Facts, exact_decimal
from autonomy.vocabulary import Domain, Level, Recommendation
from hitlconsole.demo.fleet.desk import decision
from hitlconsole.demo.fleet.log import Log
from hitlconsole.demo.scenes.scene import Ask, Scene
from hitlconsole.demo.scenes.scripts import SCENES, SCRIPTS, Script, draw, make_scene
from hitlconsole.demo.world import ACTION_TYPES, AGENTS, PEOPLE, ActionTypeSpec

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SEEDS = range(40)
TYPES: Mapping[str, ActionTypeSpec] = {spec.name: spec for spec in ACTION_TYPES}

FULL_AUTO, NOTIFY, SOFT, HARD, TAKEOVER = Level
# The level of each scene's first question, for the agent that plays it.
LEVELS = {
    "wrong_recipients": HARD,
    "overwritten_record": HARD,
    "double_charge": HARD,
    "goodwill_too_high": HARD,
    "refund_lost_parcel": HARD,
    "refund_wrong_amount": HARD,
    "refund_with_a_question": HARD,
    "delay_notice": HARD,
    "campaign": HARD,
    "delete_rows": HARD,
    "contradicting_sources": TAKEOVER,
    "coupon": SOFT,
    "coupon_that_fails": SOFT,
    "reply_about_delivery": SOFT,
    "close_silent_ticket": SOFT,
    "calendar_entry": SOFT,
    "returned_mail": SOFT,
    "merge_of_names": SOFT,
    "restart_withdrawn": SOFT,
    "uptime_report": SOFT,
    "price_report": SOFT,
    "contact_note": NOTIFY,
    "restart": NOTIFY,
    "close_solved_ticket": FULL_AUTO,
    "order_lookup": FULL_AUTO,
    "segment_search": FULL_AUTO,
    "runbook_search": FULL_AUTO,
    "price_search": FULL_AUTO,
}


def _player(scene: str) -> str:
    """The one agent in whose script the scene stands."""
    [agent] = [
        name
        for name, script in SCRIPTS.items()
        if scene in script.routine or scene in [opening for _, opening in script.opening]
    ]
    return agent


def _schema(action_type: str) -> dict[str, Any] | None:
    spec = TYPES.get(action_type)
    return None if spec is None else dict(spec.schema)


def _registered(action_type: str) -> ActionTypeFacts | None:
    spec = TYPES.get(action_type)
    if spec is None:
        return None
    return ActionTypeFacts(
        spec.reversible,
        frozenset(spec.domains),
        spec.cost_usd,
        spec.floor,
        side_effects=spec.side_effects,
    )


def _level(ask: Ask, agent: str) -> Level:
    facts = Facts(
        reversible=ask.reversible,
        domains=frozenset(map(Domain, ask.domains)),
        cost_usd=ask.cost,
        confidence=None if ask.score is None else exact_decimal(ask.score),
        recommendation=Recommendation(ask.recommendation) if ask.recommendation else None,
    )
    [trust] = [spec.trust for spec in AGENTS if spec.name == agent]
    profile = trust.get(ask.action_type, (SOFT, ""))[0]
    return decide_level(
        facts=facts,
        action_type=_registered(ask.action_type),
        profile_level=profile,
        policy=PolicyDocument(),
    ).level


def _asks(scene: Scene) -> list[Ask]:
    return [scene.ask] if scene.retry is None else [scene.ask, scene.retry]


def test_every_scene_has_a_level_to_expect() -> None:
    assert LEVELS.keys() == SCENES.keys()


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_reaches_its_level_however_it_is_drawn(name: str) -> None:
    agent = _player(name)
    levels = {_level(make_scene(name, seed).ask, agent) for seed in SEEDS}
    assert levels == {LEVELS[name]}


@pytest.mark.parametrize("name", SCENES)
def test_what_a_scene_asks_is_valid(name: str) -> None:
    for seed in SEEDS:
        for ask in _asks(make_scene(name, seed)):
            SubmissionIn.model_validate(ask.body(NOW))
            assert argument_errors(ask.arguments, _schema(ask.action_type)) == []


@pytest.mark.parametrize("name", SCENES)
def test_what_a_colleague_edits_is_valid(name: str) -> None:
    scene = make_scene(name, 1)
    if scene.desk is None or not scene.desk.edits:
        return
    body = scene.ask.body(NOW)
    edited = decision(scene.desk, {"revision": 1, "action": body["action"]})["edited_action"]

    assert edited != body["action"]
    assert edited["arguments"].keys() == body["action"]["arguments"].keys()
    assert argument_errors(edited["arguments"], _schema(edited["type"])) == []


def test_the_schemas_can_be_used() -> None:
    assert {spec.name: schema_errors(dict(spec.schema)) for spec in ACTION_TYPES} == {
        spec.name: [] for spec in ACTION_TYPES
    }


def test_a_scene_is_the_same_in_another_process() -> None:
    for name in SCENES:
        assert make_scene(name, 5) == make_scene(name, 5)


def test_colleagues_decide_only_for_teams_in_which_they_review() -> None:
    teams_of_agents = {spec.name: spec.team for spec in AGENTS}
    reviews = {
        person.email: {team for team, role in person.roles if role == "reviewer"}
        for person in PEOPLE
    }
    owners = {spec.name: spec.owner for spec in AGENTS}
    for name in SCENES:
        scene, agent = make_scene(name, 1), _player(name)
        if scene.desk is not None:
            spec = TYPES.get(scene.ask.action_type)
            team = (spec and spec.team) or teams_of_agents[agent]
            assert team in reviews[scene.desk.reviewer], name
            assert scene.desk.reviewer != owners[agent], name


def test_a_refused_refund_is_asked_for_again_with_less() -> None:
    for seed in SEEDS:
        scene = make_scene("goodwill_too_high", seed)
        assert scene.desk is not None
        assert scene.desk.verdict == "reject"
        assert scene.retry is not None
        assert scene.retry.cost is not None
        assert scene.ask.cost is not None
        assert scene.retry.cost < scene.ask.cost
        assert Decimal(scene.retry.arguments["amount"]) == scene.retry.cost


def test_history_is_dated_from_now() -> None:
    history = make_scene("double_charge", 1).ask.body(NOW)["context"]["history"]
    assert [step["at"] for step in history] == [
        "2026-05-04T09:25:00.000Z",
        "2026-05-04T09:26:00.000Z",
        "2026-05-04T09:29:00.000Z",
    ]


def test_each_agent_of_the_world_has_a_script_and_only_they() -> None:
    assert SCRIPTS.keys() == {spec.name for spec in AGENTS}


def test_scripts_name_scenes_that_there_are() -> None:
    named = {
        name
        for script in SCRIPTS.values()
        for name in (*script.routine, *script.lookups, *(name for _, name in script.opening))
    }
    assert named == SCENES.keys()


def test_eight_questions_are_open_within_half_a_minute() -> None:
    opening = [name for script in SCRIPTS.values() for after, name in script.opening if after <= 30]
    assert sum(LEVELS[name] in (SOFT, HARD) for name in opening) >= 10


def test_a_read_only_agent_looks_things_up_or_rests() -> None:
    script = Script(opening=((0, "a"),), routine={"a": 5, "b": 1}, lookups=("b",))
    rng = Random(1)

    assert {draw(script, rng, read_only=False) for _ in range(60)} == {"a", "b"}
    assert {draw(script, rng, read_only=True) for _ in range(60)} == {"b"}
    assert draw(replace(script, lookups=()), rng, read_only=True) is None


def test_the_log_keeps_to_one_short_line() -> None:
    lines: list[str] = []
    Log(lines.append, clock=lambda: NOW).of("mail-bot").say("asks:\n" + "word " * 40)

    assert lines == ["09:30:00  mail-bot      asks: " + "word " * 20 + "…"]
