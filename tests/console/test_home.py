"""Home: its numbers are true, and each leads to a list of exactly that length."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import Delivery, Hold, Takeover
from approvals.services.claims import claim_request
from approvals.services.deadlines import sweep_due, sweep_holds
from approvals.services.presence import record_look
from approvals.vocabulary import HoldEnd
from hitlconsole.accounts.models import Agent, Role, User
from hitlconsole.lib.clock import database_now
from tests.approvals.helpers import decide, watch_queue
from tests.console.conftest import House
from tests.console.html import Page, read
from tests.factories import (
    HARD,
    SOFT,
    TAKEOVER,
    make_action_type,
    make_agent,
    make_reviewer,
    make_team,
    submit,
)

Advance = Callable[..., None]
HOME = "/home/"
EDITED = {"order": "5512", "amount": "400.00"}
EDITS = {"edited_action": {"type": "refund.create", "arguments": EDITED}}


def home(client: Client, period: str = "day") -> Page:
    answer = client.get(HOME, {"period": period})
    assert answer.status_code == 200
    return read(answer)


def links(page: Page) -> list[tuple[str, int]]:
    """Every number of the page that leads somewhere: (address, number)."""
    return [
        (values["href"], int(values["data-leads-to"]))
        for tag, values in page.tags
        if tag == "a" and "data-leads-to" in values
    ]


def count_rows(client: Client, address: str) -> int:
    """Of the list there, over all of its pages."""
    page = read(client.get(address))
    found = len(page.rows()) + page.html.count('<th scope="row" class="main">')
    further = re.findall(r'href="(\?[^"]*(?:after|cursor)=[^"]*)"', page.html)
    for query in dict.fromkeys(further):
        path = address.partition("?")[0]
        found += count_rows(client, path + query.replace("&amp;", "&"))
    return found


def numbers(page: Page) -> dict[str, int]:
    """The cards by their words."""
    found = re.findall(
        r'data-leads-to="(\d+)"><b>.*?</b><span>(.*?)</span></a>', page.html, re.DOTALL
    )
    return {words: int(count) for count, words in found}


@pytest.fixture
def busy(house: House, advance_clock: Advance) -> None:
    """Something of everything that the page counts."""
    verdicts = ("approve", "reject", "approve_with_edits", "approve", "reject")
    for number, verdict in enumerate(verdicts):
        request = submit(house.key, facts=HARD, description=f"Decided {number}")
        who = house.ana if number % 2 else house.ben
        record_look(request, who)
        advance_clock(seconds=(2, 20, 70, 400, 800)[number])
        decide(request, who, verdict, **(EDITS if verdict == "approve_with_edits" else {}))
    silent = submit(house.key, facts=SOFT, description="Consented to")
    watch_queue(house.ana, silent, first=0, last=3000)
    advance_clock(seconds=7000)
    sweep_due()
    for number in range(3):
        submit(house.key, facts=HARD, description=f"Open {number}")
    submit(house.key, facts=SOFT, description="Soft")
    claimed = submit(house.key, facts=HARD, description="Claimed")
    claim_request(request_id=claimed.id, reviewer=house.ana)
    submit(make_agent(house.team, "research-bot")[1], facts=TAKEOVER, description="Too unsure")
    Agent.objects.filter(pk=make_agent(house.team, "old-bot")[0].pk).update(status="disabled")
    for number in range(2):
        Delivery.objects.create(
            transport="email",
            kind="waiting",
            team=house.team,
            status=Delivery.Status.DEAD,
            next_attempt_at=database_now(),
            created_at=database_now() + timedelta(seconds=number),
        )


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_every_number_leads_to_a_list_of_exactly_that_length(
    busy: None, ana: Client, period: str
) -> None:
    found = links(home(ana, period))
    assert len(found) > 30
    wrong = {url: (n, rows) for url, n in found if (rows := count_rows(ana, url)) != n}
    assert wrong == {}


def test_what_waits_is_counted_as_the_queue_counts_it(busy: None, ana: Client) -> None:
    found = numbers(home(ana))
    assert {words: found[words] for words in list(found)[:5]} == {
        "All that waits": 6,
        "Due within 15 minutes": 2,
        "Claimed by you": 1,
        "Needs your vote": 0,
        "Escalated": 0,
    }
    assert (found["Read-only"], found["Disabled"], found["Messages that failed"]) == (1, 1, 2)
    assert read(ana.get(HOME)).rows() == [str(Takeover.objects.get().id)]


def test_the_quality_of_oversight_is_reckoned_from_the_look_to_the_verdict(
    busy: None, ana: Client
) -> None:
    page = home(ana)
    found = numbers(page)
    assert {words: found[words] for words in list(found)[8:]} == {
        "decided by people": 5,
        "decided in under 5 s": 1,
        "overridden: rejected or edited": 3,
        "approved by silence": 1,
        "expired: nobody decided": 0,
    }
    assert "1 min 10 s median time to decide" in page.text
    assert "1 20 % decided in under 5 s" in page.text
    assert "3 60 % overridden" in page.text


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_the_hours_and_days_add_up_to_the_whole(busy: None, ana: Client, period: str) -> None:
    page = home(ana, period)
    steps, bands = (
        page.html.partition(f'<caption class="sr-only">{caption}</caption>')[2].partition(
            "</table>"
        )[0]
        for caption in ("How requests closed", "How long people took")
    )
    assert sum(map(int, re.findall(r'data-leads-to="(\d+)"', steps))) == 6
    verdicts = re.findall(r'data-label="Verdicts"><a [^>]*data-leads-to="(\d+)"', bands)
    assert list(map(int, verdicts)) == [1, 1, 1, 1, 1]
    assert page.html.count('class="plot__') >= 3 + 5


def test_the_seconds_for_which_a_verdict_was_held_are_none_that_it_took(
    house: House, ana: Client, advance_clock: Advance
) -> None:
    request = submit(house.key, facts=HARD)
    record_look(request, house.ana)
    advance_clock(seconds=3)
    decide(request, house.ana, "approve", hold_seconds=20, token="t")
    advance_clock(seconds=21)
    sweep_holds()
    assert Hold.objects.get().end == HoldEnd.COUNTED
    page = home(ana)
    assert numbers(page)["decided in under 5 s"] == 1
    assert "3 s median time to decide" in page.text


def by_person(page: Page) -> str:
    return page.html.partition("Quality by person")[2]


def test_a_reviewer_sees_their_own_numbers_and_nobody_elses(busy: None, ana: Client) -> None:
    page = home(ana)
    assert "Your own" in page.text
    assert (">you<" in by_person(page), ">ben<" in by_person(page)) == (True, False)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.COMPLIANCE])
def test_admins_and_compliance_see_everybodys(
    busy: None, house: House, as_person: Callable[[User], Client], role: Role
) -> None:
    watcher = as_person(make_reviewer(house.team, "eve@example.com", role=role))
    page = home(watcher)
    assert (">ana<" in by_person(page), ">ben<" in by_person(page)) == (True, True)
    assert {url: n for url, n in links(page) if count_rows(watcher, url) != n} == {}


def test_who_watches_another_team_counts_no_colleague_here(
    busy: None, house: House, ana: Client
) -> None:
    make_reviewer(make_team("Support"), "ana@example.com", role=Role.ADMIN)
    assert ">ben<" not in by_person(home(ana))
    of_ben = f"{reverse('console:requests')}?by={house.ben.pk}"
    assert count_rows(ana, of_ben) == 0


def test_a_vote_is_needed_of_who_may_give_it_and_has_not(
    house: House, ana: Client, ben: Client
) -> None:
    make_action_type("refund.create", quorum=2)
    request = submit(house.key, facts=HARD)
    submit(house.key, facts=HARD, description="Nobody has voted here")
    decide(request, house.ana, "approve")
    assert numbers(home(ana))["Needs your vote"] == 0
    assert numbers(home(ben))["Needs your vote"] == 1
    assert read(ben.get("/?vote=1")).rows() == [str(request.id)]
    assert read(ana.get("/?vote=1")).rows() == []


def test_another_teams_business_is_not_counted(
    busy: None, as_person: Callable[[User], Client]
) -> None:
    stranger = as_person(make_reviewer(make_team("Support"), "eve@example.com"))
    page = home(stranger)
    assert {n for _, n in links(page)} == {0}
    assert "Nothing was decided, consented to or expired in the last 24 hours" in page.text
    assert "No agent is connected yet" in page.text


def test_what_closed_before_the_period_is_not_counted(
    busy: None, ana: Client, advance_clock: Advance
) -> None:
    advance_clock(seconds=25 * 3600)
    assert "decided by people" not in numbers(home(ana))
    assert numbers(home(ana, "week"))["decided by people"] == 5


def test_the_page_asks_as_often_for_one_request_as_for_many(house: House, ana: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            home(ana)
        return len(captured)

    submit(house.key, facts=HARD)
    decide(submit(house.key, facts=HARD), house.ben, "approve")
    before = queries()
    for number in range(4):
        who = make_reviewer(house.team)
        decide(submit(house.key, facts=HARD), who, "reject")
        submit(make_agent(house.team)[1], facts=TAKEOVER, description=f"Unsure {number}")
    assert queries() == before


@pytest.mark.parametrize(
    "query",
    ["period=nonsense", "period=day'%00", "closed_from=9999-12-31T23:59:59Z", "took_under=-5"],
)
def test_an_address_that_makes_no_sense_does_no_harm(busy: None, ana: Client, query: str) -> None:
    assert ana.get(f"{HOME}?{query}").status_code == 200
    assert ana.get(f"{reverse('console:requests')}?{query}").status_code == 200
    assert ana.get(f"{reverse('console:requests')}?by=x&took_from={'9' * 40}").status_code == 200


def test_a_filter_of_the_history_can_be_taken_off_and_goes_on_with_the_form(
    busy: None, house: House, ana: Client
) -> None:
    address = f"{reverse('console:requests')}?said=rejected&by={house.ana.pk}&took_under=30"
    page = read(ana.get(address))
    assert "Verdict rejected" in page.text
    assert "Decided by ana" in page.text
    assert "Decided in under 30 s" in page.text
    assert count_rows(ana, address) == 1
    [form] = [form for form in page.forms if "resolution" in form.fields]
    kept = {name: form.fields[name] for name in ("said", "by", "took_under")}
    assert kept == {"said": "rejected", "by": str(house.ana.pk), "took_under": "30"}
    off = [v["href"] for tag, v in page.tags if v.get("aria-label", "").startswith("Take off")]
    assert off[0] == f"?by={house.ana.pk}&took_under=30"
