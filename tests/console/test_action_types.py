import json
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from autonomy.models import ActionType
from hitlconsole.lib.problems import FieldError, Problem
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import make_action_type, submit

NEW = reverse("console:new-action-type")


def test_registering_what_an_agent_asked_for(house: House, ana: Client, admin: Client) -> None:
    submit(house.key)
    assert "refund.create 1 request" in read(ana.get(reverse("console:action-types"))).text
    page = read(admin.get(f"{NEW}?name=refund.create"))
    form = next(form for form in page.forms if "arguments_schema" in form.fields)
    assert form.fields["name"] == "refund.create"
    filled = form.fields | {
        "reversible": "no",
        "domains": ["financial", "pii"],
        "cost_usd": "12.50",
        "floor": "3",
        "side_effects": "on",
        "soft_seconds": "60",
        "quorum": "2",
        "arguments_schema": '{"type": "object"}',
    }
    assert admin.post(NEW, filled).status_code == 302
    saved = ActionType.objects.get()
    assert (saved.reversible, saved.domains, saved.cost_usd, saved.floor) == (
        False,
        ["financial", "pii"],
        Decimal("12.50"),
        3,
    )
    assert (saved.side_effects, saved.soft_seconds, saved.hard_seconds, saved.quorum) == (
        True,
        60,
        None,
        2,
    )
    assert saved.arguments_schema == {"type": "object"}
    assert "not registered" not in read(ana.get(reverse("console:action-types"))).text


def test_a_saved_form_comes_back_as_it_was(house: House, admin: Client) -> None:
    saved = make_action_type(
        "refund.create",
        description="Money back",
        reversible=None,
        domains=["financial"],
        cost_usd=Decimal("0.00"),
        floor=2,
        side_effects=True,
        hard_seconds=600,
        arguments_schema={"type": "object", "required": ["order"]},
    )
    address = reverse("console:action-type", args=[saved.id])
    form = next(f for f in read(admin.get(address)).forms if "arguments_schema" in f.fields)
    assert admin.post(address, form.fields | {"domains": ["financial"]}).status_code == 302
    again = ActionType.objects.get()
    names = ("description", "reversible", "domains", "cost_usd", "floor", "side_effects")
    assert [getattr(again, name) for name in names] == [getattr(saved, name) for name in names]
    assert again.arguments_schema == saved.arguments_schema
    assert AuditEvent.objects.filter(type="action_type_changed").count() == 1


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ('{\n  "type": "object",\n  oops\n}', "Line 3 (“oops”)"),
        ('{"type": "object", "type": "array"}', "appears twice"),
        ("[1, 2]", "must be a JSON object"),
        ('{"type": "objekt"}', "is not valid under any of the given schemas"),
        ('{"$ref": "https://evil.example/schema"}', "leaves the schema"),
        ('{"items": {"$ref": "#/$defs/none"}}', "$ref '#/$defs/none' leads nowhere"),
        ('{"$ref": "#"}', "$ref '#' leads back to itself without end"),
        ('{"not":' * 31 + "{}" + "}" * 31, "nested deeper than 31 levels"),
    ],
)
def test_a_broken_schema_is_refused_with_its_place(
    house: House, admin: Client, schema: str, words: str
) -> None:
    answer = admin.post(NEW, {"name": "refund.create", "arguments_schema": schema})
    assert answer.status_code == 422
    assert words in read(answer).text
    assert not ActionType.objects.exists()


def test_the_deepest_schema_is_kept_and_on_record(house: House, admin: Client) -> None:
    schema = '{"not":' * 30 + "{}" + "}" * 30
    answer = admin.post(NEW, {"name": "refund.create", "arguments_schema": schema})
    assert answer.status_code == 302
    assert ActionType.objects.get().arguments_schema == json.loads(schema)
    assert AuditEvent.objects.filter(type="action_type_created").count() == 1


def test_a_schema_too_deep_for_the_record_is_refused_at_every_door(db: None) -> None:
    schema = json.loads('{"not":' * 31 + "{}" + "}" * 31)
    with pytest.raises(Problem) as caught:
        make_action_type("refund.create", arguments_schema=schema)
    assert (caught.value.code, caught.value.errors) == (
        "invalid_request",
        (FieldError(("arguments_schema",), "nested deeper than 31 levels"),),
    )
    assert not ActionType.objects.exists()


@pytest.mark.parametrize("name", ["Refund", "a b", "x..y", "", "é", "a" * 101])
def test_a_name_that_no_agent_could_send_is_refused(house: House, admin: Client, name: str) -> None:
    assert admin.post(NEW, {"name": name}).status_code == 422
    assert not ActionType.objects.exists()


def test_the_name_of_a_registered_type_stays(house: House, admin: Client) -> None:
    saved = make_action_type("refund.create")
    address = reverse("console:action-type", args=[saved.id])
    admin.post(address, {"name": "other.name", "description": "x", "side_effects": "on"})
    assert ActionType.objects.get().name == "refund.create"


def test_reviewers_read_the_registration(house: House, ana: Client) -> None:
    saved = make_action_type("refund.create", reversible=False, domains=["financial"])
    page = read(ana.get(reverse("console:action-type", args=[saved.id])))
    assert "Can it be undone no" in page.text
    assert "financial" in page.text
    assert not [form for form in page.forms if "arguments_schema" in form.fields]
