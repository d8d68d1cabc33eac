"""Saved views, and the filters that stand in the address."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.console.filters import QueueFilter
from approvals.console.saved_views import save_view
from approvals.models import SavedView, Takeover
from approvals.services.claims import claim_request
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.console.test_queue import ask_delta
from tests.factories import HARD, TAKEOVER, make_agent, make_team, submit

VIEWS = "/queue/views/"


def save(client: Client, name: str, query: str = "strict=1") -> Any:
    """From the link on the queue's page, through the form."""
    page = read(client.get(VIEWS, {"save": query}))
    form = next(form for form in page.forms if "query" in form.fields)
    return client.post(form.action, form.fields | {"name": name})


def change(client: Client, view_name: str, do: str, **more: str) -> Any:
    view = SavedView.objects.get(name=view_name)
    return client.post(reverse("console:queue-view", args=[view.id]), {"do": do} | more)


def tabs(page: Page) -> list[tuple[str, bool]]:
    """(address, whether it is the present one) of the views above the list."""
    return [
        (values["href"], values.get("aria-current") == "page")
        for tag, values in page.tags
        if tag == "a" and values.get("class") == "tabs__tab"
    ]


def names(house: House) -> list[str]:
    return list(SavedView.objects.filter(user=house.ana).values_list("name", flat=True))


def links(page: Page, start: str) -> list[str]:
    return [v["href"] for tag, v in page.tags if tag == "a" and v["href"].startswith(start)]


def test_the_present_filters_are_saved_under_a_name(house: House, ana: Client) -> None:
    submit(house.key)
    hard = submit(house.key, facts=HARD)
    offered = links(read(ana.get("/?strict=1&sort=cost")), VIEWS)
    assert offered == [f"{VIEWS}?save=strict%3D1%26sort%3Dcost"]
    answer = save(ana, "  Hard   ones ", "strict=1&sort=cost&open=x&mine=maybe")
    assert answer.headers["Location"] == "/?strict=1&sort=cost"
    page = read(ana.get(answer.headers["Location"]))
    assert page.rows() == [str(hard.id)]
    assert tabs(page) == [("?view=all", False), ("?strict=1&sort=cost", True)]
    assert "All 2 Hard ones 1 Edit views" in page.text
    assert links(page, f"{VIEWS}?save") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Give it a name of 1 to 40 characters."),
        ("   ", "Give it a name of 1 to 40 characters."),
        ("x" * 41, "Give it a name of 1 to 40 characters."),
        ("hard", "You have a view of this name."),
    ],
)
def test_a_name_that_does_not_do_comes_back_with_the_reason(
    house: House, ana: Client, name: str, words: str
) -> None:
    save(ana, "Hard")
    answer = save(ana, name, "mine=1")
    page = read(answer)
    assert answer.status_code == 422
    assert words in page.text
    form = next(form for form in page.forms if "query" in form.fields)
    assert (form.fields["query"], form.fields["name"]) == ("mine=1", name)
    assert names(house) == ["Hard"]
    save(ana, "Other", "mine=1")
    renamed = change(ana, "Other", "rename", name=name)
    assert (renamed.status_code, words in read(renamed).text) == (422, True)
    assert names(house) == ["Hard", "Other"]


def test_views_are_renamed_ordered_and_deleted(house: House, ana: Client) -> None:
    for name in ("One", "Two", "Three"):
        save(ana, name)
    change(ana, "Three", "forward")
    assert names(house) == ["One", "Three", "Two"]
    change(ana, "One", "back")
    assert names(house) == ["Three", "One", "Two"]
    change(ana, "Three", "forward")
    change(ana, "Two", "back")
    assert names(house) == ["Three", "One", "Two"]
    change(ana, "One", "rename", name="Eins")
    change(ana, "Three", "delete")
    assert names(house) == ["Eins", "Two"]
    # The same name again is no clash with itself.
    assert change(ana, "Eins", "rename", name="EINS").status_code == 302


def test_one_view_is_what_the_queue_opens_with(house: House, ana: Client) -> None:
    for name, query in (("Hard", "strict=1"), ("Mine", "mine=1")):
        save(ana, name, query)
    assert ana.get("/").status_code == 200
    change(ana, "Mine", "default")
    assert ana.get("/").headers["Location"] == "/?mine=1"
    assert names(house) == ["Mine", "Hard"]
    change(ana, "Hard", "default")
    assert ana.get("/").headers["Location"] == "/?strict=1"
    assert names(house) == ["Hard", "Mine"]
    change(ana, "Hard", "forward")
    change(ana, "Hard", "plain")
    assert ana.get("/").status_code == 200
    assert sorted(SavedView.objects.values_list("position", flat=True)) == [1, 2]


def test_the_whole_queue_stays_in_reach_of_a_default(house: House, ana: Client) -> None:
    request = submit(house.key)
    save(ana, "Hard")
    change(ana, "Hard", "default")
    page = read(ana.get("/?strict=1"))
    assert page.rows() == []
    assert ("?view=all", False) in tabs(page)
    assert "/?view=all" in links(page, "/?view")
    assert read(ana.get("/?view=all")).rows() == [str(request.id)]
    pane = read(ana.get(f"/?view=all&open={request.id}"))
    assert "/?view=all" in links(pane, "/?view")


def test_twenty_views_are_the_most(house: House, ana: Client) -> None:
    for n in range(20):
        save_view(house.ana, f"View {n}", QueueFilter(q=str(n)))
    refused = ana.post(VIEWS, {"query": "mine=1", "name": "One more"})
    assert refused.status_code == 422
    assert "You have 20 views; delete one first." in read(refused).text
    assert len(names(house)) == 20


def test_nobody_sees_or_changes_the_views_of_another(
    house: House, ana: Client, ben: Client
) -> None:
    save(ana, "Hard")
    save(ben, "Hard", "mine=1")
    assert tabs(read(ben.get("/")))[1:] == [("?mine=1", False)]
    view = SavedView.objects.get(user=house.ana)
    for do in ("rename", "delete", "default", "back"):
        address = reverse("console:queue-view", args=[view.id])
        assert ben.post(address, {"do": do, "name": "Mine now"}).status_code == 404
    view.refresh_from_db()
    assert (view.name, view.position) == ("Hard", 1)


def test_the_address_of_a_view_shows_others_what_they_may_see(house: House, ben: Client) -> None:
    support = make_team("Support")
    _, key = make_agent(support, "crm-bot")
    submit(key, description="Not for Ben")
    page = read(ben.get(f"/?team={support.id}"))
    assert page.rows() == []
    assert "The address names a team whose requests you do not see" in page.text
    assert "Support" not in page.text
    assert "another team" in page.text


def test_views_count_what_they_would_show_and_stay_true(house: House, ana: Client) -> None:
    submit(house.key)
    hard = submit(house.key, facts=HARD)
    _, other = make_agent(house.team, "research-bot")
    submit(other, facts=TAKEOVER)
    taken = submit(house.key, description="Taken")
    claim_request(request_id=taken.id, reviewer=house.ana)
    for name, query in (("Hard", "strict=1"), ("Mine", "mine=1"), ("Bot", "q=research")):
        save(ana, name, query)
    views = {view.name: f"view-{view.id}" for view in SavedView.objects.all()}
    page = read(ana.get("/"))
    assert "All 4 Hard 2 Mine 1 Bot 1" in page.text
    for name, query in (("Hard", "strict=1"), ("Mine", "mine=1"), ("Bot", "q=research")):
        shown = len(read(ana.get(f"/?{query}")).rows())
        counts = ask_delta(ana, [])["counts"]
        assert counts[views[name]] == shown
    decide(hard, house.ben, "reject")
    counts = ask_delta(ana, [])["counts"]
    assert counts == {"queue": 3, views["Hard"]: 1, views["Mine"]: 1, views["Bot"]: 1}
    assert Takeover.objects.count() == 1


def test_views_cost_no_query_each(house: House, ana: Client) -> None:
    submit(house.key)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            ana.get("/?view=all")
        return len(queries)

    ana.get("/")
    save(ana, "One")
    ana.get("/")
    at_one = cost()
    for n in range(12):
        save_view(house.ana, f"View {n}", QueueFilter(type=f"type.{n}", due=True))
    assert cost() == at_one


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("sort=price", "sort"),
        ("mine=maybe&due=x", "mine, due"),
        ("team=nonsense&agent=1", "team, agent"),
        ("sort=price&escalated=yes&open=x&rows=many&after=none", "escalated, sort"),
    ],
)
def test_what_is_not_understood_is_left_out_and_said(
    house: House, ana: Client, query: str, ignored: str
) -> None:
    request = submit(house.key)
    page = read(ana.get(f"/?{query}"))
    assert page.rows() == [str(request.id)]
    assert f"Not understood in the address, and left out: {ignored}" in page.text
    assert "Not understood" not in read(ana.get("/?mine=0&sort=deadline&view=all")).text


def test_each_filter_is_taken_off_by_itself(house: House, ana: Client) -> None:
    submit(house.key)
    query = f"strict=1&agent={house.agent.id}&type=refund.create&q=parcel&sort=newest"
    page = read(ana.get(f"/?{query}"))
    for part in ("Agent support-bot", "Action type refund.create", "Text parcel"):
        assert part in page.text
    off = {
        values["aria-label"]: values["href"]
        for tag, values in page.tags
        if tag == "a" and values.get("aria-label", "").startswith("Take off")
    }
    agent = f"agent={house.agent.id}"
    assert off == {
        "Take off: Agent support-bot": "?strict=1&type=refund.create&q=parcel&sort=newest",
        "Take off: Action type refund.create": f"?strict=1&{agent}&q=parcel&sort=newest",
        "Take off: Text parcel": f"?strict=1&{agent}&type=refund.create&sort=newest",
    }
    toggles = [v["href"] for tag, v in page.tags if tag == "a" and v.get("aria-current") == "true"]
    assert toggles == [f"?{agent}&type=refund.create&q=parcel&sort=newest"]


def test_escalated_are_those_of_a_higher_tier_or_state(house: House, ana: Client) -> None:
    submit(house.key)
    escalated = submit(house.key, facts=HARD)
    decide(escalated, house.ben, "escalate")
    asked = submit(house.key, facts=HARD, description="Escalated, then asked")
    decide(asked, house.ben, "escalate")
    decide(asked, house.ana, "ask")
    shown = read(ana.get("/?escalated=1")).rows()
    assert set(shown) == {str(escalated.id), str(asked.id)}
