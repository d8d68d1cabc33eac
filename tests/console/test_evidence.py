"""The evidence: what is in it, that opening it is on record, and for whom."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import ApprovalRequest, EvidenceLook
from approvals.services.evidence import has_opened_evidence
from approvals.services.exchange import post_message
from hitlconsole.accounts.models import User
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.factories import HARD, make_reviewer, make_team, submit

FRAGMENT = {"HX-Request": "true", "HX-Target": "evidence"}
CONTEXT: dict[str, Any] = {
    "task": "Settle the complaint",
    "history": [
        {"at": "2026-01-31T12:00:00Z", "action": "read the ticket", "result": {"open": True}},
        {"action": "asked the carrier", "result": "no answer\u202e"},
        {"action": "waited", "result": None},
    ],
    "state": {"order": {"number": "5512", "parts": [1, 2]}},
}


def url(request: ApprovalRequest) -> str:
    return reverse("console:evidence", args=[request.id])


def opened(client: Client, request: ApprovalRequest) -> Page:
    return read(client.get(url(request), headers=FRAGMENT))


def test_everything_that_was_sent_is_in_the_panes(house: House, ana: Client) -> None:
    request = submit(
        house.key, context=CONTEXT, metadata={"ticket": 7}, resume_state={"secret": "for itself"}
    )
    post_message(
        agent_id=house.agent.id, request_id=request.id, text="A photo", data={"photo": "door.png"}
    )
    text = opened(ana, request).text
    for words in (
        "Settle the complaint",
        "3 steps",
        "read the ticket 2026-01-31T12:00:00Z",
        "open true yes/no",
        "no answer ⟨U+202E⟩",
        "order.number 5512",
        "order.parts[1] 2 number",
        "adds: A photo",
        "photo door.png",
        "ticket 7 number",
    ):
        assert words in text
    assert "for itself" not in text
    assert "Beside this the agent keeps 24 bytes of its own state here" in text


def test_without_context_the_action_itself_is_the_evidence(house: House, ana: Client) -> None:
    request = submit(house.key)
    page = opened(ana, request)
    assert "The agent gave no context. What you approve is exactly this:" in page.text
    assert bytes(request.action).decode() in page.text
    assert has_opened_evidence(request, house.ana)


def test_opening_is_on_record_once_for_who_opened_it_and_for_this_action(
    house: House, ana: Client
) -> None:
    request = submit(house.key, facts=HARD, context=CONTEXT)
    ana.get(reverse("console:request", args=[request.id]))
    assert not EvidenceLook.objects.exists()
    opened(ana, request)
    opened(ana, request)
    look = EvidenceLook.objects.get()
    assert (look.user, bytes(look.action_sha256)) == (house.ana, bytes(request.action_sha256))
    assert [has_opened_evidence(request, who) for who in (house.ana, house.ben)] == [True, False]
    edited = {"type": "refund.create", "arguments": {"order": "5512", "amount": "1.00"}}
    decide(request, house.ben, "approve_with_edits", edited_action=edited)
    request.refresh_from_db()
    assert not has_opened_evidence(request, house.ana)


def test_small_evidence_stays_open_once_it_was_opened_and_large_evidence_is_fetched(
    house: House, ana: Client
) -> None:
    small = submit(house.key, context=CONTEXT)
    large = submit(house.key, context={"task": "x" * 40_000})
    for request, stays in ((small, True), (large, False)):
        page = reverse("console:request", args=[request.id])
        assert url(request) in ana.get(page).content.decode()
        opened(ana, request)
        assert ("data-evidence-search" in ana.get(page).content.decode()) is stays
    assert "task (39 kB); you have opened it before" in read(ana.get(page)).text


def test_it_is_a_page_of_its_own_without_scripts(house: House, ana: Client) -> None:
    request = submit(house.key, context=CONTEXT)
    page = read(ana.get(url(request)))
    assert "Settle the complaint" in page.text
    assert ("h1", {"class": "req-head__title untrusted"}) in page.tags
    assert has_opened_evidence(request, house.ana)


def test_nobody_opens_what_they_may_not_see(
    house: House, as_person: Callable[[User], Client]
) -> None:
    request = submit(house.key, context=CONTEXT)
    stranger = as_person(make_reviewer(make_team("Support"), "sam@example.com"))
    for name in ("console:evidence", "console:action-bytes", "console:request"):
        assert stranger.get(reverse(name, args=[request.id])).status_code == 404
    assert Client().get(url(request), headers=FRAGMENT).status_code == 401
    assert not EvidenceLook.objects.exists()
    assert as_person(house.ana).post(url(request)).status_code == 405


@pytest.mark.parametrize("text", ["\u202e hidden \u200b", '<b>"quoted"</b>', "Zürich 東京"])
def test_the_downloaded_bytes_are_those_that_are_hashed(
    house: House, ana: Client, text: str
) -> None:
    request = submit(house.key, arguments={"text": text})
    answer = ana.get(reverse("console:action-bytes", args=[request.id]))
    assert answer.content == bytes(request.action)
    assert json.loads(answer.content)["arguments"] == {"text": text}
    assert answer.headers["Content-Type"] == "application/json"
    assert (
        answer.headers["Content-Disposition"] == f'attachment; filename="action-{request.id}.json"'
    )
