"""Who has a request open at the moment is shown to others who have it open."""

from collections.abc import Callable

from django.http import HttpResponse
from django.test import Client

from approvals.models import Looker
from approvals.services.decide import decide_request
from approvals.services.presence import lookers_of, prune_lookers
from approvals.vocabulary import Channel, Verdict
from hitlconsole.accounts.models import User
from tests.console.conftest import House
from tests.console.html import read
from tests.console.test_queue import ask_delta
from tests.factories import make_agent, make_reviewer, make_team, submit


def look(client: Client, request_id: object) -> None:
    assert client.post(f"/live/beat/?only=1&open={request_id}").status_code == 204


def test_others_see_who_looks_until_they_are_gone(
    house: House, ana: Client, ben: Client, advance_clock: Callable[..., None]
) -> None:
    request = submit(house.key)
    look(ana, request.id)
    assert lookers_of(request.id, besides=house.ben) == ["ana"]
    assert lookers_of(request.id, besides=house.ana) == []
    advance_clock(seconds=15)
    look(ana, request.id)
    advance_clock(seconds=15)
    assert lookers_of(request.id, besides=house.ben) == ["ana"]
    advance_clock(seconds=10)
    assert lookers_of(request.id, besides=house.ben) == []
    look(ben, request.id)
    assert prune_lookers() == 1
    assert [one.user for one in Looker.objects.all()] == [house.ben]


def test_the_delta_of_an_open_request_names_them(
    house: House, ana: Client, ben: Client, admin: Client
) -> None:
    request = submit(house.key)
    opened = {"open": str(request.id)}
    alone = ask_delta(ana, [request.id], **opened)
    assert alone["rows"][str(request.id)]["lookers"] == ""
    look(ben, request.id)
    one = ask_delta(ana, [request.id], **opened)
    assert words(one["rows"][str(request.id)]["lookers"]) == "ben is looking too"
    assert one["revision"] != alone["revision"]
    look(admin, request.id)
    look(ana, request.id)
    both = ask_delta(ana, [request.id], **opened)
    assert words(both["rows"][str(request.id)]["lookers"]) == "admin and ben are looking too"
    assert "lookers" not in ask_delta(ana, [request.id])["rows"][str(request.id)]


def words(html: str) -> str:
    return read(HttpResponse(html)).text.strip()


def test_nobody_looks_at_what_they_may_not_see(
    house: House, as_person: Callable[[User], Client]
) -> None:
    other = make_team("Support")
    _, key = make_agent(other, "other-bot")
    theirs = submit(key)
    outsider = as_person(house.ana)
    look(outsider, theirs.id)
    look(outsider, "no-id")
    assert not Looker.objects.exists()
    insider = as_person(make_reviewer(other, "cid@example.com"))
    look(insider, theirs.id)
    assert "lookers" not in str(ask_delta(outsider, [theirs.id], open=str(theirs.id)))


def test_nobody_looks_at_what_is_closed(house: House, ana: Client) -> None:
    request = submit(house.key)
    decide_request(
        request_id=request.id,
        reviewer=house.ben,
        verdict=Verdict.REJECT,
        revision=request.revision,
        channel=Channel.API,
        notes="No",
    )
    look(ana, request.id)
    assert not Looker.objects.exists()
