"""Whatever an agent writes arrives as text, in full, with nothing hidden."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.services.exchange import post_message
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import make_action_type, submit

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=https://evil.example/x onerror=alert(1)>'
HTMX = '<div hx-get="/sign-out/" hx-trigger="load">x</div>'
BIDI = "pay \u202e001\u202c USD"
INVISIBLE = "a\u200bb\u2066c\ufeffd\U000e0041e\x1b[31mf"
LINK = "see https://evil.example/ now"
TEMPLATE = "{{ user.password }}{% load static %}"
CORPUS = [SCRIPT, IMAGE, HTMX, BIDI, INVISIBLE, LINK, TEMPLATE]
HIDDEN = "\u202e\u202c\u200b\u2066\ufeff\U000e0041\x1b"


def hostile_request(key: str, text: str) -> Any:
    return submit(
        key,
        description=text,
        arguments={"to": text, text: {"deep": [text]}},
        confidence={"score": 0.9, "rationale": text, "uncertainties": [text]},
        context={
            "task": text,
            "history": [{"at": text, "action": text, "result": text}],
            "state": {text: text},
        },
        metadata={text: text},
        on_behalf_of=text,
    )


def pages_with(house: House, client: Client, text: str) -> list[str]:
    request = hostile_request(house.key, text)
    post_message(agent_id=house.agent.id, request_id=request.id, text=text, data={text: text})
    return [
        reverse("console:request", args=[request.id]),
        f"/?open={request.id}",
        "/requests/",
        "/audit/",
        reverse("audit:request", args=[request.id]),
        reverse("console:agent", args=[house.agent.id]),
    ]


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_agents_text_makes_no_markup_and_hides_nothing(
    house: House, ana: Client, text: str
) -> None:
    for address in pages_with(house, ana, text):
        answer = ana.get(address)
        assert answer.status_code == 200
        page = read(answer)
        assert "evil.example" not in [v for _, values in page.tags for v in values.values()]
        assert not [tag for tag, _ in page.tags if tag == "img"], address
        scripts = [values.get("src", "") for tag, values in page.tags if tag == "script"]
        assert all(source.startswith("/static/") for source in scripts), address
        assert not [h for h in page.html if h in HIDDEN], address
        links = [values.get("href", "") for tag, values in page.tags if tag == "a"]
        assert not [link for link in links if "evil" in link], address


def test_an_override_is_shown_as_what_it_is(house: House, ana: Client) -> None:
    request = hostile_request(house.key, BIDI)
    page = read(ana.get(reverse("console:request", args=[request.id])))
    assert "⟨U+202E⟩" in page.text
    assert "hidden characters" in page.text


def test_ten_kilobytes_of_an_argument_are_there_in_full(house: House, ana: Client) -> None:
    text = " ".join(f"word{n}" for n in range(1500))
    request = submit(house.key, arguments={"body": text})
    assert text in read(ana.get(reverse("console:request", args=[request.id]))).text


def test_a_text_with_hidden_characters_is_edited_as_escapes(house: House, ana: Client) -> None:
    schema = {"type": "object", "properties": {"note": {"type": "string"}}}
    make_action_type("refund.create", arguments_schema=schema)
    request = submit(house.key, arguments={"note": BIDI})
    page = read(ana.get(reverse("console:request", args=[request.id])))
    form = page.form("verdict-edit")
    assert form.fields["arg:note"] == '"pay \\u202e001\\u202c USD"'
    assert ana.post(form.action, form.fields).status_code == 302
    request.refresh_from_db()
    assert BIDI.encode() in bytes(request.action)


def test_line_breaks_survive_an_edit_of_something_else(house: House, ana: Client) -> None:
    properties = {"note": {"type": "string"}, "amount": {"type": "string"}}
    schema = {"type": "object", "properties": properties}
    make_action_type("refund.create", arguments_schema=schema)
    note = "\nfirst\r\nsecond\n\tthird\n"
    request = submit(house.key, arguments={"note": note, "amount": "1"})
    form = read(ana.get(reverse("console:request", args=[request.id]))).form("verdict-edit")
    # A browser sends every line break of a text area as CR LF.
    sent = form.fields["arg:note"].replace("\r\n", "\n").replace("\n", "\r\n")
    ana.post(form.action, form.fields | {"arg:note": sent, "arg:amount": "2"})
    request.refresh_from_db()
    assert request.status == "approved"
    assert b'"amount":"2","note":"\\nfirst\\r\\nsecond\\n\\tthird\\n"' in bytes(request.action)
