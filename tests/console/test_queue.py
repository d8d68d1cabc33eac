import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.console import queue_changes
from approvals.models import ApprovalRequest, Presence, Takeover
from approvals.services.claims import claim_request
from approvals.services.deadlines import sweep_due
from approvals.services.decide import decide_request
from approvals.vocabulary import Channel, Verdict
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.heartbeats import Service, record_heartbeat
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import HARD, TAKEOVER, make_admin, make_agent, make_reviewer, make_team, submit


def reject(request: ApprovalRequest, reviewer: User) -> None:
    request.refresh_from_db()
    decide_request(
        request_id=request.id,
        reviewer=reviewer,
        verdict=Verdict.REJECT,
        revision=request.revision,
        channel=Channel.WEB,
        notes="Not this one",
    )


def ask_delta(client: Client, shown: list[Any], **more: str) -> dict[str, Any]:
    query = {"since": database_now().isoformat(), "shown": ",".join(map(str, shown))} | more
    answer = client.get(
        reverse("console:queue-delta"), query, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = json.loads(answer.content)
    return body


def test_takeovers_come_first_then_open_requests_by_deadline(house: House, ana: Client) -> None:
    hard = submit(house.key, facts=HARD, description="The hard one")
    soft = submit(house.key, description="The soft one")
    _, other_key = make_agent(house.team, "research-bot")
    submit(other_key, facts=TAKEOVER, description="Too unsure")
    takeover = Takeover.objects.get()
    page = read(ana.get("/"))
    assert page.rows() == [str(takeover.id), str(soft.id), str(hard.id)]
    assert "Pending for Payments, by deadline" in page.text
    assert "research-bot is stopped" in page.text
    assert "then approved" in page.text
    assert "then escalated" in page.text


def test_closed_requests_are_not_in_the_queue(house: House, ana: Client) -> None:
    request = submit(house.key)
    reject(request, house.ana)
    page = read(ana.get("/"))
    assert page.rows() == []
    assert "Nothing waits for you" in page.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("strict=1", {"hard"}),
        ("due=1", {"soft", "other"}),
        ("mine=1", {"hard"}),
        ("type=email.send", {"other"}),
        ("q=PARCEL", {"soft"}),
        ("q=send-bot", {"other"}),
        ("q=100%25", set()),
        ("strict=1&due=1", set()),
        ("team=nonsense&agent=", {"soft", "hard", "other"}),
    ],
)
def test_filters_stand_in_the_address(
    house: House, ana: Client, query: str, expected: set[str]
) -> None:
    _, other_key = make_agent(house.team, "send-bot")
    requests = {
        "soft": submit(house.key, description="Refund: parcel lost"),
        "hard": submit(house.key, facts=HARD, description="Refund 420"),
        "other": submit(other_key, action_type="email.send", description="Tell them"),
    }
    claim_request(request_id=requests["hard"].id, reviewer=house.ana)
    page = read(ana.get(f"/?{query}"))
    assert set(page.rows()) == {str(requests[name].id) for name in expected}


def test_a_filter_that_matches_nothing_says_so(house: House, ana: Client) -> None:
    submit(house.key)
    assert "Nothing matches" in read(ana.get("/?q=zebra")).text


def test_an_empty_console_says_how_to_connect_an_agent(db: None) -> None:
    client = Client()
    client.force_login(make_admin())
    assert "No agent is connected yet" in read(client.get("/")).text


def test_a_long_queue_is_loaded_in_pages_without_gaps(house: House, ana: Client) -> None:
    requests = [submit(house.key, description=f"Refund {n}") for n in range(53)]
    first = ana.get("/")
    more = f"?{first.context['more_url'].removeprefix('?')}"
    second = ana.get(
        f"/{more}&part=rows", headers={"HX-Request": "true", "HX-Target": "queue-list"}
    )
    assert len(read(first).rows()) == 50
    assert "53 open, 3 not shown" in read(first).text
    everything = [str(request.id) for request in requests]
    assert read(first).rows() + read(second).rows() == everything
    assert ask_delta(ana, everything)["summary"] == "53 open, all shown"


def test_what_comes_after_the_end_of_the_page_is_no_news(house: House, ana: Client) -> None:
    """It is reached by loading more; only what belongs among the rows waits behind the pill."""
    for n in range(53):
        submit(house.key, facts=HARD, description=f"Refund {n}")
    page = ana.get("/")
    shown, end = read(page).rows(), page.context["end"]
    later = submit(house.key, facts=HARD, description="Later than all")
    answer = ask_delta(ana, shown, end=end)
    assert (answer["new"], answer["summary"]) == ([], "54 open, 4 not shown")
    sooner = submit(house.key, description="Sooner than all")
    answer = ask_delta(ana, shown, end=end)
    assert (answer["new"], answer["summary"]) == ([str(sooner.id)], "55 open, 5 not shown")
    larger = ana.get("/?rows=55")
    assert read(larger).rows()[0] == str(sooner.id)
    assert read(larger).rows()[-1] == str(later.id)
    assert (len(read(larger).rows()), larger.context["end"]) == (55, "")


def test_what_is_new_beyond_the_most_is_said_and_not_counted(
    house: House, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_changes, "MOST_NEW", 2)
    fresh = [str(submit(house.key, description=f"Refund {n}").id) for n in range(2)]
    first = ask_delta(ana, [])
    assert (first["new"], first["new_count"], first["new_more"]) == (fresh, 2, False)
    submit(house.key, description="One more")
    second = ask_delta(ana, [])
    assert (second["new"], second["new_count"], second["new_more"]) == (fresh, 2, True)
    assert second["revision"] != first["revision"]


@pytest.mark.parametrize(("size", "shown"), [("x", 50), ("-1", 50), ("7", 50), ("52", 52)])
def test_a_page_is_as_long_as_asked_for_within_bounds(
    house: House, ana: Client, size: str, shown: int
) -> None:
    for n in range(53):
        submit(house.key, description=f"Refund {n}")
    assert len(read(ana.get("/", {"rows": size})).rows()) == shown


def count_queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_queue_costs_the_same_few_queries_at_1_and_at_50_rows(
    house: House, ana: Client
) -> None:
    submit(house.key)
    ana.get("/")
    at_one = count_queries(ana, "/")
    for n in range(49):
        request = submit(house.key, description=f"Refund {n}")
        claim_request(request_id=request.id, reviewer=house.ben)
    assert count_queries(ana, "/") == at_one
    # Five of them are the frame's: session, person, preferences, navigation, notices.
    assert at_one <= 10


def test_the_delta_costs_the_same_few_queries_at_1_and_at_50_rows(
    house: House, ana: Client
) -> None:
    def cost(shown: list[ApprovalRequest]) -> int:
        with CaptureQueriesContext(connection) as queries:
            ask_delta(ana, [request.id for request in shown])
        return len(queries)

    requests = [submit(house.key)]
    at_one = cost(requests)
    requests += [submit(house.key, description=f"Refund {n}") for n in range(49)]
    assert cost(requests) == at_one


def test_the_delta_tells_what_changed_about_the_shown_rows(
    house: House, ana: Client, ben: Client
) -> None:
    kept, decided = submit(house.key), submit(house.key, description="Refund 2")
    claim_request(request_id=kept.id, reviewer=house.ben)
    reject(decided, house.ben)
    fresh = submit(house.key, description="Refund 3")
    answer = ask_delta(ana, [kept.id, decided.id])
    assert set(answer["rows"]) == {str(kept.id), str(decided.id)}
    assert "ben" in answer["rows"][str(kept.id)]["holder"]
    assert answer["rows"][str(kept.id)]["@revision"] == "1"
    assert answer["rows"][str(decided.id)]["due"] == ""
    assert list(answer["gone"]) == [str(decided.id)]
    assert "Rejected by ben" in answer["gone"][str(decided.id)]
    assert (answer["new"], answer["new_count"], answer["urgent"]) == ([str(fresh.id)], 1, 0)
    assert answer["counts"] == {"queue": 2}


def test_the_summary_stays_true_while_the_page_is_open(house: House, ana: Client) -> None:
    shown = [submit(house.key, description=f"Refund {n}") for n in range(3)]
    assert "3 open, all shown" in read(ana.get("/")).text
    reject(shown[0], house.ana)
    submit(house.key, description="Refund 3")
    submit(house.key, description="Refund 4")
    ids = [request.id for request in shown]
    assert ask_delta(ana, ids)["summary"] == "4 open, 2 not shown"
    _, other_key = make_agent(house.team, "research-bot")
    submit(other_key, facts=TAKEOVER)
    assert ask_delta(ana, ids)["summary"] == "4 open and 1 stopped agent, 3 not shown"
    for request in ApprovalRequest.objects.filter(status="pending"):
        reject(request, house.ana)
    assert ask_delta(ana, [Takeover.objects.get().id])["summary"] == (
        "0 open and 1 stopped agent, all shown"
    )


def test_the_navigation_counts_all_that_waits_whatever_the_filter(
    house: House, ana: Client
) -> None:
    requests = [submit(house.key, description=f"Refund {n}") for n in range(3)]
    _, other_key = make_agent(house.team, "research-bot")
    submit(other_key, facts=TAKEOVER)
    claim_request(request_id=requests[0].id, reviewer=house.ana)
    for address in ("/", "/?mine=1"):
        assert b'data-count="queue">4<' in ana.get(address).content
    answer = ask_delta(ana, [requests[0].id], mine="1")
    assert (answer["counts"], answer["summary"]) == ({"queue": 4}, "1 open, all shown")


def test_a_takeover_that_starts_is_new_and_urgent(house: House, ana: Client) -> None:
    request = submit(house.key)
    since = database_now().isoformat()
    _, other_key = make_agent(house.team, "research-bot")
    submit(other_key, facts=TAKEOVER)
    takeover = Takeover.objects.get()
    answer = ask_delta(ana, [request.id], since=since)
    assert (answer["new"], answer["new_count"], answer["urgent"]) == ([str(takeover.id)], 1, 1)
    again = ask_delta(ana, [request.id, takeover.id], since=since)
    assert (again["new"], again["gone"]) == ([], {})


def test_the_delta_is_empty_where_nothing_changed(house: House, ana: Client) -> None:
    request = submit(house.key)
    first = ask_delta(ana, [request.id])
    again = ana.get(
        reverse("console:queue-delta"),
        {
            "since": database_now().isoformat(),
            "shown": str(request.id),
            "revision": first["revision"],
        },
    )
    assert (again.status_code, again.content) == (204, b"")


def test_a_released_takeover_goes_from_the_open_queue(
    house: House, ana: Client, admin: Client
) -> None:
    submit(house.key, facts=TAKEOVER)
    takeover = Takeover.objects.get()
    admin.post(reverse("console:release-takeover", args=[takeover.id]), {"notes": "Look twice"})
    assert ask_delta(ana, [takeover.id])["gone"] == {str(takeover.id): "Released"}


def test_what_is_due_within_a_minute_stands_in_the_strip(
    house: House, ana: Client, advance_clock: Callable[..., None]
) -> None:
    request = submit(house.key, description="Refund in a hurry")
    assert "Nothing is due within 60 s" in read(ana.get("/")).text
    advance_clock(seconds=250)
    assert "due < 60 s Refund in a hurry" in read(ana.get("/")).text
    answer = ask_delta(ana, [request.id])
    assert "Refund in a hurry" in answer["due"]


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        ("", True),
        ("?end=", True),
        ("?mine=1", False),
        ("?only=1", False),
        ("?paused=1", False),
        ("?end=2030-01-01T00:00:00~018f0000-0000-7000-8000-000000000000", False),
    ],
)
def test_only_a_page_with_the_whole_queue_is_presence(
    house: House, ana: Client, query: str, counts: bool
) -> None:
    assert ana.post(f"/live/beat/{query}").status_code == 204
    assert Presence.objects.filter(user=house.ana).exists() is counts
    assert ana.get("/live/beat/").status_code == 405


def test_asking_what_changed_is_no_presence(house: House, ana: Client) -> None:
    ask_delta(ana, [], visible="1")
    assert not Presence.objects.exists()


def test_the_queue_open_beside_a_request_makes_silence_consent(
    house: House, ana: Client, advance_clock: Callable[..., None]
) -> None:
    request = submit(house.key)
    for _ in range(32):
        record_heartbeat(Service.WEB)
        ana.post("/live/beat/")
        advance_clock(seconds=10)
    sweep_due()
    request.refresh_from_db()
    assert (request.status, request.resolution) == ("approved", "silent_consent")
    text = read(ana.get(f"/requests/{request.id}/")).text
    assert "Approved by silence" in text
    assert "although ana had the queue open and could have" in text


def test_an_ended_session_is_told_401_and_never_a_login_page(house: House) -> None:
    answer = Client().get(
        reverse("console:queue-delta"),
        {"since": database_now().isoformat()},
        headers={"Accept": "application/json"},
    )
    assert (answer.status_code, answer.headers["X-Session"]) == (401, "expired")
    pane = Client().get("/?open=x", headers={"HX-Request": "true", "HX-Target": "detail"})
    assert pane.status_code == 401


def test_a_pane_is_a_part_and_history_gets_the_whole(house: House, ana: Client) -> None:
    request = submit(house.key)
    headers = {"HX-Request": "true", "HX-Target": "detail"}
    pane = ana.get(f"/?open={request.id}", headers=headers)
    assert b"<html" not in pane.content
    assert "Refund order 5512: parcel lost" in read(pane).text
    whole = ana.get(
        f"/?open={request.id}", headers=headers | {"HX-History-Restore-Request": "true"}
    )
    assert b"<html" in whole.content


def test_previous_and_next_lead_through_the_queue_by_deadline(house: House, ana: Client) -> None:
    first, second, third = (submit(house.key, description=f"Refund {n}") for n in range(3))
    context = ana.get(f"/?open={second.id}").context
    assert context["previous_url"] == f"/?open={first.id}"
    assert context["next_url"] == f"/?open={third.id}"
    assert ana.get(f"/?open={first.id}").context["previous_url"] == ""
    assert ana.get(f"/?open={third.id}").context["next_url"] == ""


def test_requests_without_a_deadline_come_last(house: House, ana: Client) -> None:
    stopped = submit(house.key, facts=HARD, description="Waits without a clock")
    submit(house.key, facts=TAKEOVER, description="Stops the agent")
    _, other_key = make_agent(house.team, "other-bot")
    later = submit(other_key, facts=HARD, description="Has a clock")
    stopped.refresh_from_db()
    assert stopped.deadline is None
    assert read(ana.get("/")).rows()[1:] == [str(later.id), str(stopped.id)]
    assert ana.get(f"/?open={later.id}").context["next_url"] == f"/?open={stopped.id}"
    assert ana.get(f"/?open={stopped.id}").context["previous_url"] == f"/?open={later.id}"


def test_an_agents_owner_sees_it_wait_outside_the_own_teams(
    house: House, as_person: Callable[[User], Client]
) -> None:
    owner = make_reviewer(make_team("Support"), "owner@example.com")
    house.agent.owner = owner
    house.agent.save()
    request = submit(house.key)
    assert read(as_person(owner).get("/")).rows() == [str(request.id)]
    assert request.deadline is not None
    assert request.deadline - request.created_at == timedelta(seconds=300)


def copy(request: ApprovalRequest, number: int) -> None:
    """As many more like it, each due a second after the one before."""
    columns = [field.column for field in ApprovalRequest._meta.concrete_fields]
    values = {"id": "gen_random_uuid()", "deadline": "deadline + n * interval '1 second'"}
    chosen = [values.get(column, column) for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO approvals_approvalrequest ({', '.join(columns)})"  # noqa: S608
            f" SELECT {', '.join(chosen)} FROM approvals_approvalrequest, generate_series(1, %s) n"
            " WHERE id = %s",
            [number, request.id],
        )


def test_ten_thousand_rows_are_shown_fifty_at_a_time(house: House, ana: Client) -> None:
    request = submit(house.key, facts=HARD)
    copy(request, 9_999)
    page = ana.get("/")
    assert len(read(page).rows()) == 50
    assert "10000 open, 9950 not shown" in read(page).text
    assert len(page.content) < 250_000
    seen = read(page).rows()
    for _ in range(2):
        page = ana.get(
            f"/{page.context['more_url']}&part=rows",
            headers={"HX-Request": "true", "HX-Target": "queue-list"},
        )
        seen += read(page).rows()
    first = ApprovalRequest.objects.order_by("deadline").values_list("id", flat=True)[:150]
    assert seen == [str(one) for one in first]
    assert count_queries(ana, "/?view=all") == count_queries(ana, "/?view=all&rows=1000")
    assert len(read(ana.get("/?rows=5000")).rows()) == 1000
