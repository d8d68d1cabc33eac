"""A policy's rules: what can be saved, what they see, and that they only ever raise."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.policy.asked import SAMPLE, UNASKED, Action, Asked, AskingAgent
from autonomy.policy.condition_reading import read_condition
from autonomy.policy.document import DEFAULT_POLICY, PolicyDocument, PolicyError
from autonomy.policy.evaluation import Decided, decide
from autonomy.policy.facts import ActionTypeFacts, ChainLink, Facts
from autonomy.policy.reading import ReadError
from autonomy.policy.rules import Rule, RuleTerms, apply_rules
from autonomy.vocabulary import Domain, FactsFrom, Level, Recommendation, Source
from tests.autonomy.level_inputs import Inputs, action_types, facts, inputs

AUTO, NOTIFY, SOFT, HARD, TAKEOVER = Level
AUTOMATIC = Facts(reversible=True, cost_usd=Decimal("99.90"), confidence=Decimal("0.95"))
LEGAL, OFFICE = UUID(int=11), UUID(int=12)
AGENT = AskingAgent(id=UUID(int=1), team=UUID(int=2))
# 22:30 in Madrid, where summer time ended the morning before.
NIGHT = datetime(2026, 10, 26, 21, 30, tzinfo=UTC)
FAILS = "could not be evaluated:"


def rule(when: str, level: Level = HARD, name: str = "night", **terms: Any) -> Rule:
    return Rule(name, read_condition(when), level, **terms)


def asked(arguments: dict[str, Any] | None = None) -> Asked:
    return Asked(Action("refund.create", arguments or {}), AGENT, NIGHT)


def judge(
    *rules: Rule,
    stated: Facts = AUTOMATIC,
    of: Asked | None = None,
    registered: ActionTypeFacts | None = None,
    **options: Any,
) -> Decided:
    """By default everything but the rules is so that the answer is FULL_AUTO."""
    policy = replace(DEFAULT_POLICY, rules=rules, **options.pop("policy", {}))
    return decide(
        facts=stated,
        action_type=registered,
        profile_level=AUTO,
        policy=policy,
        asked=asked() if of is None else of,
        **options,
    )


def opinions(decided: Decided) -> list[tuple[Level, str, bool]]:
    return [
        (c.level, c.reason, c.binding) for c in decided.decision.trace if c.source is Source.RULES
    ]


def matches(when: str, **situation: Any) -> bool:
    """Fails for a condition that has no answer."""
    found = opinions(judge(rule(when, NOTIFY), **situation))
    assert [reason for _, reason, _ in found] in ([], ["rule “night”"])
    return bool(found)


def complaint(when: Any) -> str:
    with pytest.raises(PolicyError) as caught:
        PolicyDocument.from_json({"rules": [{"name": "r", "when": when, "level": "SOFT_APPROVAL"}]})
    (error,) = caught.value.errors
    assert error["loc"] == ["rules", 0, "when"]
    return error["msg"]


LENGTH = "must be a CEL expression of 1 to 2000 characters that can be read"
OVERLOAD = "fails on a sample request: it compares or combines values of different types, or null"
NO_USER = "there is no variable “user”; there are action, agent, delegation, facts, now"
TOO_MANY = "the arguments are too many for it to go through"
NO_VALUE = "a function can't take its value, or a part of the request is not known"
NO_ZONE = "there is no time zone “{}”; one is “Europe/Madrid”"
UNREADABLE = "the request has a value that rules can't read"
NESTED = "must not go through a list inside of going through another"


@pytest.mark.parametrize(
    ("when", "msg"),
    [
        (None, LENGTH),
        (True, LENGTH),
        ("", LENGTH),
        ("true" + " " * 2000, LENGTH),
        ("action.type == '\x00'", LENGTH),
        ("action.type == '\ud800'", LENGTH),
        (
            "facts.cost_usd >",
            "does not compile: Syntax error: mismatched input '<EOF>' (line 1, column 17)",
        ),
        ("true\n&& &&", "does not compile: Syntax error: mismatched input '&&' (line 2, column 4)"),
        ("(" * 200 + "true" + ")" * 200, "does not compile: it is nested too deeply"),
        ("has(facts)", "does not compile: invalid argument to has() macro (line 1, column 5)"),
        ("user == 'x'", NO_USER),
        ("false && user", NO_USER),
        ("action.arguments.a.all(x, x == user)", NO_USER),
        ("agent.name == 'x'", "agent has no “name”; it has id, team"),
        ("action . kind == 'x'", "action has no “kind”; it has type, arguments"),
        (
            "true || facts.cost > 1.0",
            "facts has no “cost”; it has reversible, domains, cost_usd, confidence,"
            " recommendation, requested_level, failures_24h, side_effects",
        ),
        ("now.getHours('Europe/Madird') > 20", NO_ZONE.format("Europe/Madird")),
        ('true || now.getHours("Europe") > 20', NO_ZONE.format("Europe")),
        ("facts.cost_usd > '100'", OVERLOAD),
        ("!facts.recommendation", OVERLOAD),
        (
            "action.type.matches('(')",
            "fails on a sample request: a function can't take its value,"
            " or a part of the request is not known",
        ),
        ("1", "must be true or false; on a sample request it is a number"),
        ("facts.cost_usd", "must be true or false; on a sample request it is a number"),
        ("action.type", "must be true or false; on a sample request it is a text"),
        ("facts.domains", "must be true or false; on a sample request it is a list"),
        ("facts", "must be true or false; on a sample request it is an object"),
        ("null", "must be true or false; on a sample request it is null"),
        ("now", "must be true or false; on a sample request it is a time"),
        ("action.arguments.a.all(x, action.arguments.b.exists(y, y == x))", NESTED),
        ("action.arguments.a.all(x, size(x.map // '\n (y, y)) > 1)", NESTED),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_work_is_not_saved(when: Any, msg: str) -> None:
    assert complaint(when) == msg


def test_an_unknown_function_is_named_with_those_that_there_are() -> None:
    assert complaint("true || math.abs(1) == 1").startswith("there is no variable “math”; ")
    assert complaint("true || abs(1) == 1") == (
        "there is no function “abs”; there are bytes, contains, double, duration, dyn, endsWith,"
        " getDate, getDayOfMonth, getDayOfWeek, getDayOfYear, getFullYear, getHours,"
        " getMilliseconds, getMinutes, getMonth, getSeconds, int, matches, size, startsWith,"
        " string, timestamp, type, uint"
    )


@pytest.mark.parametrize(
    "when",
    [
        "action.arguments.to.exists(t, !t.endsWith('@example.com'))",
        "action.arguments.a.filter(x, x > 1).exists(y, y == 2)",
        "action.arguments.a.all(x, x > 1) && action.arguments.b.all(x, x > 1)",
        "action.type == 'a.all(x, b.all(y, user))' // facts.cost, l.all(x, l.all(y, true))",
        'action.type == r\'\\\' && action.type == """facts.cost "user" """',
        "has(action.arguments.n) && type(action.arguments.n) == int",
        "facts.reversible",
        "delegation[0].profile_level == 'HARD_APPROVAL'",
        "100.0 / (facts.cost_usd - 1.0) > 3.0 || 1 / (facts.failures_24h - 1) > 1",
    ],
)
def test_what_may_work_is_saved(when: str) -> None:
    document = {"name": "r", "when": when, "level": "SOFT_APPROVAL"}
    (saved,) = PolicyDocument.from_json({"rules": [document]}).rules
    assert saved.when.source == when


def test_every_wrong_field_of_every_rule_is_named() -> None:
    good = {"name": "night", "when": "true", "level": "HARD_APPROVAL"}
    terms = {"team": "legal", "quorum": 0, "soft_seconds": 0, "hard_seconds": 31_536_001}
    wrong = {"name": "a\nb", "when": "1", "level": None, "colour": "red"}
    with pytest.raises(PolicyError) as caught:
        PolicyDocument.from_json({"rules": [good | terms, wrong, {}, "true"]})
    assert [(error["loc"], error["msg"]) for error in caught.value.errors] == [
        (["rules", 0, "team"], "must be an id such as 01890a5d-ac96-774b-bcce-b302099a8057"),
        (["rules", 0, "quorum"], "must be a whole number from 1 to 100"),
        (["rules", 0, "soft_seconds"], "must be a whole number from 1 to 31536000"),
        (["rules", 0, "hard_seconds"], "must be a whole number from 1 to 31536000"),
        (["rules", 1, "name"], "must be one line of 1 to 100 characters"),
        (["rules", 1, "when"], "must be true or false; on a sample request it is a number"),
        (
            ["rules", 1, "level"],
            "must be one of FULL_AUTO, NOTIFY_ONLY, SOFT_APPROVAL, HARD_APPROVAL, HUMAN_TAKEOVER",
        ),
        (["rules", 1, "colour"], "unknown field"),
        (["rules", 2, "name"], "is required"),
        (["rules", 2, "when"], "is required"),
        (["rules", 2, "level"], "is required"),
        (["rules", 3], "must be an object"),
    ]


@pytest.mark.parametrize(
    ("names", "errors"),
    [
        (["a", "b", "a"], [(["rules", 2, "name"], "is the name of an earlier rule")]),
        ([str(n) for n in range(101)], [(["rules"], "must not be more than 100 rules")]),
    ],
)
def test_rules_are_few_and_told_apart(names: list[str], errors: list[Any]) -> None:
    rules = [{"name": name, "when": "true", "level": "HARD_APPROVAL"} for name in names]
    with pytest.raises(PolicyError) as caught:
        PolicyDocument.from_json({"rules": rules})
    assert [(error["loc"], error["msg"]) for error in caught.value.errors] == errors


def test_a_document_with_rules_is_written_in_full_and_read_back_as_its_equal() -> None:
    written = [
        {
            "name": "night",
            "when": "now.getHours() > 20",
            "level": "HARD_APPROVAL",
            "team": str(LEGAL),
            "quorum": 2,
            "soft_seconds": 60,
            "hard_seconds": 3600,
        },
        {
            "name": "all",
            "when": "true",
            "level": "FULL_AUTO",
            "team": None,
            "quorum": None,
            "soft_seconds": None,
            "hard_seconds": None,
        },
    ]
    policy = PolicyDocument.from_json({"rules": written})
    assert policy.to_json() == DEFAULT_POLICY.to_json() | {"rules": written}
    again = PolicyDocument.from_json(json.loads(json.dumps(policy.to_json())))
    assert (again, hash(again)) == (policy, hash(policy))
    other = [written[0] | {"when": "now.getHours() > 21"}, written[1]]
    assert PolicyDocument.from_json({"rules": other}) != policy


def test_each_matching_rule_raises_to_its_level_and_is_named() -> None:
    decided = judge(
        rule("true", SOFT, "first"),
        rule("facts.cost_usd > 100.0", TAKEOVER, "second"),
        rule("action.type.startsWith('refund.')", HARD, "third"),
    )
    assert decided.decision.level is HARD
    assert decided.decision.binding == ("rules",)
    assert opinions(decided) == [(SOFT, "rule “first”", False), (HARD, "rule “third”", True)]


def test_rules_stand_in_the_trace_between_the_registration_and_the_agents_wish() -> None:
    decided = judge(
        rule("true", NOTIFY),
        stated=replace(AUTOMATIC, requested_level=AUTO),
        registered=ActionTypeFacts(floor=AUTO),
        chain=(ChainLink(AUTO),),
    )
    assert [c.source.value for c in decided.decision.trace] == [
        "matrix", "confidence", "autonomy", "action_type", "rules", "agent", "delegation",
    ]  # fmt: skip


@given(inputs, st.sampled_from(["true", "facts.cost_usd > 50.0", "action.arguments.missing > 1"]))
def test_a_rule_never_lowers(given_inputs: Inputs, when: str) -> None:
    def level(*rules: Rule) -> Level:
        return decide(
            facts=given_inputs.facts,
            action_type=given_inputs.action_type,
            profile_level=given_inputs.profile_level,
            policy=replace(given_inputs.policy, rules=rules),
            asked=asked(),
            chain=given_inputs.chain,
        ).decision.level

    assert level(rule(when, AUTO)) >= level()


@pytest.mark.parametrize(
    ("when", "arguments", "why"),
    [
        ("action.arguments.amount > 100", {}, "there is no “amount”"),
        ("action.arguments[action.arguments.k] > 1", {"k": "secret"}, "a member is missing"),
        (
            "action.arguments.amount > 100",
            {"amount": "420.00"},
            "it compares or combines values of different types, or null",
        ),
        (
            "double(action.arguments.amount) > 100.0",
            {"amount": "lots"},
            "a function can't take its value, or a part of the request is not known",
        ),
        ("action.arguments.to[1] == 'x'", {"to": ["y"]}, "a list is too short"),
        ("1 / action.arguments.n > 0", {"n": 0}, "it divides by zero"),
        ("action.arguments.n * 9007199254740991 > 0", {"n": 2**53 - 1}, "a number is out of range"),
        ("action.arguments.flag", {"flag": 1}, "its result is a number, not true or false"),
        ("action.arguments.flag", {"flag": None}, "its result is null, not true or false"),
        ("action.arguments.flag", {"flag": "yes"}, "its result is a text, not true or false"),
        ("action.arguments.flag", {"flag": []}, "its result is a list, not true or false"),
        ("action.arguments.flag", {"flag": {}}, "its result is an object, not true or false"),
        (
            "action.arguments.at.getHours('UTC') > 1",
            {"at": "noon"},
            NO_VALUE,
        ),
        (
            "now.getHours(action.arguments.zone) > 1",
            {"zone": "../../etc/passwd"},
            NO_VALUE,
        ),
        ("now.getDayOfWeek(action.arguments.zone) == 0", {"zone": "Nowhere/None"}, NO_VALUE),
        ("action.arguments.flag", {"flag": "\ud800"}, UNREADABLE),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("level", "raised"), [(AUTO, HARD), (HARD, HARD), (TAKEOVER, TAKEOVER)])
def test_a_rule_without_an_answer_raises_to_hard_approval_and_says_so(
    when: str, arguments: dict[str, Any], why: str, level: Level, raised: Level
) -> None:
    decided = judge(rule(when, level), rule("false", TAKEOVER, "other"), of=asked(arguments))
    expected = [(raised, f"rule “night” {FAILS} {why}", True)]
    if why == UNREADABLE:  # what nobody can read is not known to any of them
        expected = [
            (raised, f"rule “night” {FAILS} {why}", raised is TAKEOVER),
            (TAKEOVER, f"rule “other” {FAILS} {why}", True),
        ]
    assert opinions(decided) == expected


def test_what_the_answer_does_not_depend_on_may_be_missing() -> None:
    assert matches("action.arguments.missing > 1 || true")
    assert not matches("has(action.arguments.missing) && action.arguments.missing > 1")


@pytest.mark.parametrize("when", ["action.type == ''", "agent.id == ''", "now == now"])
def test_what_is_not_known_at_all_fails_closed(when: str) -> None:
    ((level, reason, _),) = opinions(judge(rule(when), of=UNASKED))
    assert level is HARD
    assert FAILS in reason


@pytest.mark.parametrize(
    "when",
    [
        "facts.reversible",
        "facts.domains == ['financial', 'pii']",
        "facts.cost_usd == 99.9",
        "facts.confidence == 0.95",
        "facts.recommendation == 'PROCEED'",
        "facts.requested_level == 'NOTIFY_ONLY'",
        "facts.failures_24h == 2",
        "facts.side_effects",
        "action.type == 'refund.create'",
        "action.arguments == {'n': 3, 'list': [1.5, 'a', null, {'b': true}]}",
        "agent.id == '00000000-0000-0000-0000-000000000001'",
        "agent.team == '00000000-0000-0000-0000-000000000002'",
        "delegation[0].profile_level == 'FULL_AUTO' && delegation[0].floor == null",
        "now == timestamp('2026-10-26T21:30:00Z')",
        "now.getHours() == 21 && now.getHours('Europe/Madrid') == 22",
        "(now - duration('48h')).getHours('Europe/Madrid') == 23",
        "now.getDayOfWeek('Pacific/Auckland') == 2 && now.getDayOfWeek() == 1",
        "now.getDate('Pacific/Auckland') == 27 && now.getDayOfMonth('Pacific/Auckland') == 26",
        "now.getMonth('UTC') == 9 && now.getFullYear('UTC') == 2026",
        "now.getDayOfYear('UTC') == now.getDayOfYear() && now.getMonth('UTC') == now.getMonth()",
        "now.getMinutes('Asia/Kolkata') == 0",
    ],
)
def test_what_rules_see(when: str) -> None:
    stated = Facts(
        reversible=True,
        domains=frozenset({Domain.PII, Domain.FINANCIAL}),
        cost_usd=Decimal("99.90"),
        confidence=Decimal("0.95"),
        recommendation=Recommendation.PROCEED,
        requested_level=NOTIFY,
        failures_24h=2,
    )
    arguments = {"n": 3, "list": [1.5, "a", None, {"b": True}]}
    assert matches(when, stated=stated, of=asked(arguments), chain=(ChainLink(AUTO),))


def test_unknown_facts_are_null_and_a_comparison_with_them_fails_closed() -> None:
    for name in ("reversible", "cost_usd", "confidence", "recommendation", "requested_level"):
        assert matches(f"facts.{name} == null", stated=Facts(failures_24h=0))
    for when in ("facts.cost_usd > 500.0", "facts.confidence < 0.9", "!facts.reversible"):
        ((level, reason, _),) = opinions(judge(rule(when, NOTIFY), stated=Facts()))
        assert (level, FAILS in reason) == (HARD, True)
    assert not matches("facts.cost_usd != null && facts.cost_usd > 500.0", stated=Facts())


def test_rules_see_the_facts_that_count() -> None:
    registered = ActionTypeFacts(
        reversible=False, domains=frozenset({Domain.PII}), cost_usd=Decimal(150), side_effects=False
    )
    assert matches(
        "!facts.reversible && 'pii' in facts.domains && facts.cost_usd == 150.0"
        " && !facts.side_effects",
        registered=registered,
    )
    assert matches("facts.reversible == null", policy={"facts_from": FactsFrom.REGISTERED_ONLY})


@given(facts, action_types)
def test_the_sample_on_which_rules_are_tried_has_the_form_of_a_request(
    stated: Facts, registered: ActionTypeFacts
) -> None:
    for variable in ("facts", "action", "agent"):
        members = sorted(SAMPLE[variable])
        assert matches(
            f"{variable}.all(member, member in {members}) && size({variable}) == {len(members)}",
            stated=stated,
            registered=registered,
        )


@pytest.mark.parametrize(
    ("cost", "limit", "above"),
    [
        ("100.10", "100.10", False),
        ("100.11", "100.10", True),
        ("9999999999999.99", "9999999999999.99", False),
        ("9999999999999.99", "9999999999999.98", True),
        # More digits than a double holds: the amount never becomes a lower one.
        ("9007199254740993.00", "9007199254740992.0", True),
        ("100.10000000000000000001", "100.10", True),
        ("99999999999999999999.01", "100000000000000000000.0", False),
    ],
)
def test_a_cost_keeps_its_side_of_a_limit(cost: str, limit: str, above: bool) -> None:
    stated = replace(AUTOMATIC, cost_usd=Decimal(cost))
    assert matches(f"facts.cost_usd > {limit}", stated=stated) is above


def test_matching_rules_set_terms_and_the_strictest_count() -> None:
    decided = judge(
        rule("true", AUTO, "a", quorum=2, soft_seconds=60, hard_seconds=7200),
        rule("true", AUTO, "b", team=LEGAL, quorum=3, soft_seconds=30, hard_seconds=3600),
        rule("true", AUTO, "c", team=OFFICE, quorum=1, soft_seconds=90, hard_seconds=9000),
        rule("false", AUTO, "d", team=OFFICE, quorum=9, soft_seconds=999, hard_seconds=1),
    )
    assert decided.rule_terms == RuleTerms(team=LEGAL, quorum=3, soft_seconds=90, hard_seconds=3600)
    assert judge(rule("true")).rule_terms == RuleTerms()


def test_a_rule_that_fails_sets_what_makes_it_stricter_and_no_team() -> None:
    broken = "action.arguments.missing > 1"
    decided = judge(
        rule(broken, AUTO, "a", team=LEGAL, quorum=3, soft_seconds=90, hard_seconds=60),
        rule("true", AUTO, "b", team=OFFICE, quorum=2, soft_seconds=30, hard_seconds=3600),
    )
    assert decided.rule_terms == RuleTerms(team=OFFICE, quorum=3, soft_seconds=90, hard_seconds=60)
    assert judge(rule(broken, team=LEGAL)).rule_terms.team is None


@pytest.mark.parametrize(
    ("by_rule", "registered", "policy", "quorum"),
    [(None, None, 2, 2), (None, 1, 2, 1), (3, 2, 1, 3), (1, 2, 1, 2), (1, None, 2, 2)],
)
def test_a_rule_can_only_ask_for_more_approvals(
    by_rule: int | None, registered: int | None, policy: int, quorum: int
) -> None:
    decided = judge(
        rule("true", AUTO, quorum=by_rule), registered_quorum=registered, policy={"quorum": policy}
    )
    assert decided.quorum == quorum


def test_more_than_one_approval_by_rule_takes_the_consent_out_of_silence() -> None:
    decided = judge(rule("true", SOFT, quorum=2))
    assert opinions(decided) == [
        (SOFT, "rule “night”", False),
        (HARD, "2 approvals are needed, so silence cannot consent", True),
    ]
    assert decided.decision.level is HARD
    assert judge(rule("true", NOTIFY, quorum=2)).decision.level is NOTIFY


@pytest.mark.parametrize("long", [[0] * 2000, {str(n): n for n in range(2000)}])
def test_a_rule_that_would_copy_too_much_does_not_start(long: Any) -> None:
    """The engine copies what it names at each step: the agent chooses how much that is."""
    decided = judge(
        rule("size(action.arguments.a.deep) > 1000", NOTIFY, "looks"),
        rule("action.arguments.a.deep.all(x, x == x)", NOTIFY, "goes"),
        of=asked({"a": {"deep": long}}),
    )
    assert opinions(decided) == [
        (NOTIFY, "rule “looks”", False),
        (HARD, f"rule “goes” {FAILS} {TOO_MANY}", True),
    ]


def test_what_rules_may_copy_is_shared_by_all_of_them() -> None:
    """A hundred of them on a body full of lists take no longer than one may."""
    full = {"lists": [[0] * 999 for _ in range(100)], "items": [0] * 999, "limit": 1}
    when = "action.arguments.items.exists(x, x == action.arguments.limit)"
    decided = judge(*(rule(when, NOTIFY, f"r{n}") for n in range(100)), of=asked(full))
    assert {reason.rpartition(FAILS)[2].strip() for _, reason, _ in opinions(decided)} == {TOO_MANY}


def test_an_expression_goes_through_lists_at_most_three_times() -> None:
    doubled = "action.arguments.a" + ".map(x, x + x)" * 4
    with pytest.raises(ReadError, match="more than 3 times"):
        rule(f"size({doubled}) > 1")


def test_a_list_that_is_not_long_is_gone_through() -> None:
    within = asked({"to": ["a@example.com"] * 500 + ["b@example.org"]})
    when = "action.arguments.to.exists(t, !t.endsWith('@example.com'))"
    assert matches(when, of=within)
    assert matches("size(action.arguments.to.filter(t, t.contains('.org'))) == 1", of=within)


def test_a_rule_can_be_read_in_one_thread_and_applied_in_others() -> None:
    night = rule("action.arguments.n > 1")
    found: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda n=n: found.append(bool(opinions(judge(night, of=asked({"n": n})))))
        )
        for n in (2, 2, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True, True, True]


_atoms = st.sampled_from(
    [
        "1", "-1", "9223372036854775807", "1u", "1.5", "1e308", "'a'", "'('", "b'\\xff'", "true",
        "null", "[]", "[1, 'a']", "{'a': 1}", "now", "facts.cost_usd", "facts.domains", "agent.id",
        "action.type", "action.arguments", "action.arguments.a", "delegation", "duration('1h')",
        "timestamp('0001-01-01T00:00:00Z')", "int", "x",
    ]
)  # fmt: skip
_operators = st.sampled_from(["+", "-", "*", "/", "%", "==", "<", ">=", "&&", "||", "in"])
_calls = st.sampled_from(
    [
        "size({})", "int({})", "double({})", "string({})", "timestamp({})", "duration({})",
        "{}.contains('a')", "{}.matches('a+')", "{}.getHours()", "{}.getDate('Asia/Kolkata')",
        "{}.all(x, x > 1)", "{}.exists_one(x, x == 'a')", "{}.map(x, x)", "{}.a", "{}[0]", "!{}",
        "-({})", "({} ? true : 1)", "has(action.arguments.a) && {}",
    ]
)  # fmt: skip


def _larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    called = st.builds(lambda call, part: call.format(part), _calls, smaller)
    return called | st.builds("({} {} {})".format, smaller, _operators, smaller)


_expressions = st.recursive(_atoms, _larger, max_leaves=8) | st.text(max_size=40)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(_expressions, st.dictionaries(st.sampled_from("abk"), _values), facts)
def test_nothing_that_is_saved_ever_raises(
    when: str, arguments: dict[str, Any], stated: Facts
) -> None:
    try:
        night = rule(when, NOTIFY)
    except ReadError:
        return
    decided = judge(night, stated=stated, of=asked(arguments))
    found = opinions(decided)
    assert found == [] or found[0][1].startswith("rule “night”")
    assert decided.decision.level >= max((level for level, _, _ in found), default=AUTO)


def test_without_rules_nothing_is_said() -> None:
    ruled = apply_rules((), asked=UNASKED, facts=AUTOMATIC, effective=judge().decision.effective)
    assert (ruled.contributions, ruled.terms) == ((), RuleTerms())
