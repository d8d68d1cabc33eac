"""Editing an action: its fields, what is typed into them, and what the edit does."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.console.argument_kinds import Kind
from approvals.console.edit_reading import NotReadable, fitting, read_edit, typed_for
from approvals.console.editing import ArgumentField, FieldGroup, edit_form
from approvals.models import ApprovalRequest, Decision
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.console.test_deciding import commit
from tests.factories import make_action_type, make_team, submit

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "rate": {"type": "number"},
        "sure": {"type": "boolean"},
        "size": {"enum": ["S", "M"]},
        "tags": {"type": "array"},
    },
    "required": ["text"],
}
FULL = {"text": "a", "count": 3, "rate": 1.5, "sure": True, "size": "S", "tags": ["x"]}


def test_each_argument_is_typed_by_its_schema() -> None:
    kinds = {field.key: field.kind for field in edit_form(FULL | {"more": {"a": 1}}, SCHEMA).fields}
    assert kinds == {
        "text": Kind.TEXT,
        "count": Kind.INTEGER,
        "rate": Kind.NUMBER,
        "sure": Kind.BOOLEAN,
        "size": Kind.CHOICE,
        "tags": Kind.JSON,
        "more": Kind.JSON,
    }


@pytest.mark.parametrize("value", [{"text": 5}, {"count": "3"}, {"sure": "yes"}, {"size": 7}])
def test_a_value_of_another_type_is_edited_as_json(value: dict[str, Any]) -> None:
    ((key, _),) = value.items()
    fields = {field.key: field.kind for field in edit_form(FULL | value, SCHEMA).fields}
    assert fields[key] == Kind.JSON


def typed_as_shown(arguments: dict[str, Any]) -> dict[str, str]:
    return {field.name: field.typed for field in edit_form(arguments, SCHEMA).fields}


@pytest.mark.parametrize(
    "arguments",
    [
        FULL,
        {"text": ""},
        {"text": "a\r\nb"},
        {"text": None},
        {"text": "x", "count": None, "extra": None},
        {"text": "x", "rate": 1e21, "count": 0},
        {"text": "\u202e", "tags": []},
    ],
)
def test_a_form_sent_back_unchanged_changes_nothing(arguments: dict[str, Any]) -> None:
    assert read_edit(arguments, SCHEMA, typed_as_shown(arguments)) == arguments


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"arg:count": " 7 "}, {"count": 7}),
        ({"arg:rate": "2"}, {"rate": 2}),
        ({"arg:rate": "-2.25"}, {"rate": -2.25}),
        ({"arg:sure": "false"}, {"sure": False}),
        ({"arg:size": "M"}, {"size": "M"}),
        ({"arg:tags": '["y", 2]'}, {"tags": ["y", 2]}),
        ({"arg:text": ""}, {"text": ""}),
    ],
)
def test_what_is_typed_becomes_a_value(typed: dict[str, str], expected: dict[str, Any]) -> None:
    assert read_edit(FULL, SCHEMA, typed) == FULL | expected


def test_an_emptied_optional_field_is_left_out() -> None:
    edited = read_edit(FULL, SCHEMA, {"arg:count": "", "arg:size": "", "arg:tags": ""})
    assert edited == {"text": "a", "rate": 1.5, "sure": True}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("count", "1.5"),
        ("count", "1e3"),
        ("count", "9" * 20),
        ("rate", "nan"),
        ("rate", "1e999"),
        ("sure", "maybe"),
        ("tags", "[1, 1"),
        ("tags", '{"a": 1, "a": 2}'),
        ("tags", "[NaN]"),
    ],
)
def test_what_is_no_value_is_refused_at_its_field(field: str, text: str) -> None:
    with pytest.raises(NotReadable) as refused:
        read_edit(FULL, SCHEMA, {f"arg:{field}": text})
    assert list(refused.value.errors) == [field]


@pytest.mark.parametrize("text", ["", "[]", "1", "{", '{"a": 1, "a": 2}', '{"a": NaN}'])
def test_without_a_schema_only_an_object_will_do(text: str) -> None:
    with pytest.raises(NotReadable):
        read_edit({"a": 1}, None, {"arguments": text})


# --- Nested values ---

NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "born": {"type": "string", "format": "date"},
                "address": {"$ref": "#/$defs/address"},
            },
            "required": ["name"],
        },
        "tags": {"type": "array", "items": {"type": "string"}},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"sku": {"type": "string"}}},
        },
        "note": {"type": ["string", "null"]},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "unit": {"enum": ["kg", 1, None]},
        "mode": {"const": "fast"},
        "a/b~c": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "integer"}},
        "either": {"oneOf": [{"type": "string"}, {"type": "object"}]},
    },
    "$defs": {"address": {"type": "object", "properties": {"city": {"type": "string"}}}},
    "required": ["customer"],
}
ORDER: dict[str, Any] = {
    "customer": {"name": "Ada", "born": "1815-12-10", "address": {"city": "London"}},
    "tags": ["x", "y"],
    "lines": [{"sku": "A1"}, {"sku": "B2", "extra": 1}],
    "note": None,
    "limit": 3,
    "unit": 1,
    "mode": "fast",
    "a/b~c": "odd key",
    "labels": {"red": 1},
    "either": "text",
}


def sent_as_shown(arguments: dict[str, Any], schema: dict[str, Any]) -> dict[str, str]:
    sent = {}
    for node in edit_form(arguments, schema).nodes:
        if isinstance(node, ArgumentField):
            sent[node.name] = node.typed
        elif node.more is not None:
            sent[f"more:{node.place}"] = node.more
        if node.presence is not None:
            sent[f"is:{node.place}"] = node.presence.typed
    return sent


def test_every_value_of_a_nested_action_has_its_own_field() -> None:
    nodes = edit_form(ORDER, NESTED).nodes
    kinds = {node.name: node.kind for node in nodes if isinstance(node, ArgumentField)}
    assert kinds == {
        "arg:customer/name": Kind.TEXT,
        "arg:customer/born": Kind.DATE,
        "arg:customer/address/city": Kind.TEXT,
        "arg:tags/0": Kind.TEXT,
        "arg:tags/1": Kind.TEXT,
        "arg:tags/2": Kind.TEXT,
        "arg:lines/0/sku": Kind.TEXT,
        "arg:lines/1/sku": Kind.TEXT,
        "arg:lines/1/extra": Kind.JSON,
        "arg:lines/2": Kind.JSON,
        "arg:note": Kind.TEXT,
        "arg:limit": Kind.INTEGER,
        "arg:unit": Kind.CONSTANT,
        "arg:mode": Kind.CHOICE,
        "arg:a~1b~0c": Kind.TEXT,
        "arg:labels/red": Kind.INTEGER,
        "arg:either": Kind.JSON,
    }


EMPTY: dict[str, Any] = {"customer": {"name": ""}}


@pytest.mark.parametrize(
    "arguments",
    [
        ORDER,
        EMPTY,
        {"customer": None, "tags": None, "lines": None, "labels": None},
        {"customer": {"name": "x", "address": {}}, "tags": [], "lines": [{}], "labels": {}},
        {"customer": "not an object", "tags": "not a list", "lines": [1, [2]]},
        {"customer": {"name": "x", "born": "yesterday"}, "unit": None, "limit": None},
        {"customer": {"name": "x"}, "tags": ["\u202e", "", None, {"a": 1}], "mode": None},
        {"customer": {"name": "x"}, "tags": [str(number) for number in range(60)]},
    ],
)
def test_a_nested_form_sent_back_unchanged_changes_nothing(arguments: dict[str, Any]) -> None:
    assert read_edit(arguments, NESTED, sent_as_shown(arguments, NESTED)) == arguments
    assert read_edit(arguments, NESTED, {}) == arguments


@pytest.mark.parametrize(
    ("typed", "place", "expected"),
    [
        ({"arg:customer/address/city": "Paris"}, "customer", {"address": {"city": "Paris"}}),
        ({"arg:customer/born": "1852-11-27"}, "customer", {"born": "1852-11-27"}),
        ({"arg:tags/1": "z", "arg:tags/2": "new"}, "tags", ["x", "z", "new"]),
        ({"is:tags/0": "absent"}, "tags", ["y"]),
        ({"arg:lines/2": '{"sku": "C3"}'}, "lines", [*ORDER["lines"], {"sku": "C3"}]),
        ({"is:lines/0": "absent"}, "lines", [{"sku": "B2", "extra": 1}]),
        ({"arg:note": "a word"}, "note", "a word"),
        ({"is:note": "given"}, "note", ""),
        ({"arg:limit": "null"}, "limit", None),
        ({"arg:unit": '"kg"'}, "unit", "kg"),
        ({"arg:unit": "null"}, "unit", None),
        ({"arg:a~1b~0c": "changed"}, "a/b~c", "changed"),
        ({"more:labels": '{"blue": 2}'}, "labels", {"red": 1, "blue": 2}),
        ({"is:labels": "absent"}, "labels", None),
    ],
)
def test_what_is_typed_below_becomes_part_of_the_value(
    typed: dict[str, str], place: str, expected: Any
) -> None:
    edited = read_edit(ORDER, NESTED, typed)
    rest = {key: value for key, value in ORDER.items() if key != place}
    assert {key: value for key, value in edited.items() if key != place} == rest
    if isinstance(expected, dict) and place == "customer":
        expected = ORDER["customer"] | expected
    assert edited.get(place) == expected


def test_what_is_not_there_is_added_only_where_something_is_typed() -> None:
    edited = read_edit(EMPTY, NESTED, {"arg:customer/address/city": "Rome", "arg:tags/0": "new"})
    assert edited == {"customer": {"name": "", "address": {"city": "Rome"}}, "tags": ["new"]}
    assert read_edit(EMPTY, NESTED, {"is:tags": "given"}) == EMPTY | {"tags": []}


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ({"arg:limit": "many"}, ["limit"]),
        ({"arg:customer/born": "1815-13-10"}, ["customer/born"]),
        ({"arg:lines/2": "{"}, ["lines/2"]),
        ({"arg:labels/red": "x", "more:labels": "[1]"}, ["labels", "labels/red"]),
        ({"more:labels": '{"red": 2}'}, ["labels"]),
    ],
)
def test_what_is_no_value_below_is_refused_at_its_place(
    typed: dict[str, str], places: list[str]
) -> None:
    with pytest.raises(NotReadable) as refused:
        read_edit(ORDER, NESTED, typed)
    assert sorted(refused.value.errors) == places
    shown = edit_form(ORDER, NESTED, typed, refused.value.errors)
    assert sorted(node.place for node in shown.nodes if node.error) == places


def test_an_error_below_a_field_stands_at_the_field() -> None:
    form = edit_form(ORDER, NESTED, errors={"either/a/0": "wrong", "gone/b": "lost"})
    found = {node.place: node.error for node in form.nodes if node.error}
    assert found == {"either": "a.0: wrong", "": "gone.b: lost"}


def test_a_filled_place_of_a_list_comes_back_with_another_one_behind_it() -> None:
    form = edit_form(ORDER, NESTED, {"arg:tags/2": "new"})
    tags = next(node for node in form.fields if node.key == "tags")
    assert isinstance(tags, FieldGroup)
    assert [(one.key, one.typed) for one in tags.children if isinstance(one, ArgumentField)] == [
        ("0", "x"),
        ("1", "y"),
        ("2", "new"),
        ("3", ""),
    ]


OTHER = {
    "type": "object",
    "properties": {"tags": {"type": "array", "items": {"type": "string"}}, "to": {}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        (ORDER, {"tags": ["x", "y"]}),
        (ORDER | {"tags": ["a", "b", "c"]}, {"tags": ["a", "b", "c"]}),
        (ORDER | {"tags": []}, {"tags": []}),
        ({"to": {"a": 1}}, {"to": {"a": 1}}),
        ({"tags": ["y"], "to": "Ada"}, {"tags": ["y"], "to": "Ada"}),
    ],
)
def test_another_type_takes_over_what_it_knows_with_what_was_typed(
    edited: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = fitting(ORDER, OTHER)
    assert before == {"tags": ["x", "y"]}
    typed = typed_for(fitting(edited, OTHER), before, OTHER)
    assert read_edit(before, OTHER, typed) == expected
    assert read_edit(ORDER, None, typed_for(edited, ORDER, None)) == edited


# --- What an edit does, before it counts ---


def sent_edit(client: Client, request: ApprovalRequest, **typed: str) -> Page:
    return read(commit(client, request, "edit", **typed))


def still_open(request: ApprovalRequest) -> bool:
    request.refresh_from_db()
    return request.status == "pending" and not Decision.objects.exists()


@pytest.fixture
def typed_refunds(house: House) -> None:
    properties = {"order": {"type": "string"}, "amount": {"type": "string"}}
    schema = {"type": "object", "properties": properties}
    make_action_type("refund.create", arguments_schema=schema)
    make_action_type(
        "voucher.send",
        floor=3,
        arguments_schema={
            "type": "object",
            "properties": {"order": {"type": "string"}, "points": {"type": "integer"}},
            "required": ["points"],
            "additionalProperties": False,
        },
    )


def test_an_edit_that_counts_as_approval_says_so(
    house: House, ana: Client, typed_refunds: None
) -> None:
    request = submit(house.key)
    page = sent_edit(ana, request, **{"arg:amount": "400.00", "step": "preview"})
    assert "It stays soft approval, and counts as your approval." in page.text
    assert "amount changed 420.00 400.00" in page.text
    assert "Approve the edited action" in page.text
    assert still_open(request)


def test_another_type_brings_its_fields_and_its_rules(
    house: House, ana: Client, ben: Client, typed_refunds: None
) -> None:
    request = submit(house.key)
    fields = sent_edit(ana, request, action_type="voucher.send", **{"arg:order": "5513"})
    form = fields.form("verdict-edit")
    assert (form.fields["arg:order"], form.fields["arg:points"]) == ("5513", "")
    assert (form.fields["fields_of"], form.fields["action_type"]) == ("voucher.send",) * 2
    assert "arg:amount" not in form.fields
    assert still_open(request)
    missing = read(commit(ana, request, "edit", fields))
    assert "'points' is a required property" in missing.text
    told = read(commit(ana, request, "edit", missing, **{"arg:points": "40"}))
    assert "The level goes from soft approval to hard approval." in told.text
    assert "type changed refund.create voucher.send" in told.text
    assert "arguments.amount removed 420.00 not there" in told.text
    assert "the action type's floor is hard approval" in told.text
    assert "Propose the edited action" in told.text
    assert still_open(request)
    assert commit(ana, request, "edit", told).status_code == 302
    request.refresh_from_db()
    assert (request.status, request.level, request.action_type) == ("pending", 3, "voucher.send")
    assert bytes(request.action) == (
        b'{"arguments":{"order":"5513","points":40},"type":"voucher.send"}'
    )
    assert commit(ben, request, "approve", checked="yes").status_code == 302
    request.refresh_from_db()
    assert request.status == "approved"


def test_only_the_edit_that_was_seen_is_committed_without_another_look(
    house: House, ana: Client, typed_refunds: None
) -> None:
    make_action_type("ticket.close", quorum=2)
    request = submit(house.key, action_type="ticket.close")
    told = sent_edit(ana, request, arguments='{"n": 1}', checked="yes")
    assert "2 approvals are needed; earlier ones do not count." in told.text
    again = read(commit(ana, request, "edit", told, arguments='{"n": 2}'))
    assert "n added not there 2" in again.text
    assert still_open(request)
    assert commit(ana, request, "edit", again).status_code == 302
    request.refresh_from_db()
    assert bytes(request.action) == b'{"arguments":{"n":2},"type":"ticket.close"}'


def test_an_edit_that_moves_to_another_team_names_it(
    house: House, ana: Client, typed_refunds: None
) -> None:
    support = make_team("Support")
    make_action_type("ticket.close", team=support)
    request = submit(house.key)
    told = sent_edit(ana, request, action_type="ticket.close")
    told = read(commit(ana, request, "edit", told))
    assert "It goes from Payments to Support, whose reviewers decide." in told.text
    assert still_open(request)


def test_an_edit_that_would_need_a_takeover_is_refused_before(
    house: House, ana: Client, typed_refunds: None
) -> None:
    make_action_type("house.burn", floor=4)
    request = submit(house.key)
    fields = sent_edit(ana, request, action_type="house.burn")
    refused = commit(ana, request, "edit", fields)
    assert refused.status_code == 422
    assert "would need a takeover; take over, or reject it" in read(refused).text
    assert still_open(request)


def test_a_late_edit_is_kept_as_a_late_answer(
    house: House, ana: Client, typed_refunds: None
) -> None:
    request = submit(house.key)
    page = read(ana.get(reverse("console:request", args=[request.id])))
    decide(request, house.ben, "reject")
    late = commit(ana, request, "edit", page, action_type="refund.create")
    assert late.status_code == 409
    assert "Rejected by ben" in read(late).text
    assert Decision.objects.get(reviewer=house.ana).effect == Decision.Effect.LATE
