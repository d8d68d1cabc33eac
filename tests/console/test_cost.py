"""What pages cost the database: as many questions for many rows as for one."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import ApprovalRequest
from approvals.services.claims import comment_on_request
from tests.approvals.helpers import decide
from tests.console.conftest import House
from tests.console.html import read
from tests.factories import submit


def cost(client: Client, address: str) -> int:
    client.get(address)  # what is read once for a process
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_queue_takes_eight_questions(house: House, ana: Client) -> None:
    for n in range(20):
        submit(house.key, description=f"Refund {n}")
    assert cost(ana, "/") == 8


def test_the_history_costs_the_same_at_1_and_at_50_rows(house: House, ana: Client) -> None:
    def costs() -> list[int]:
        history = reverse("console:requests")
        return [cost(ana, f"{history}{query}") for query in ("", "?q=refund", "?q=support-bot")]

    decide(submit(house.key, description="Refund"), house.ana, "reject")
    at_one = costs()
    for n in range(49):
        decide(submit(house.key, description=f"Refund {n}"), house.ben, "reject")
    assert costs() == at_one
    assert at_one[0] <= 8


def test_a_search_of_the_queue_costs_the_same_at_1_and_at_50_rows(
    house: House, ana: Client
) -> None:
    submit(house.key, description="Refund of parcel")
    at_one = cost(ana, "/?q=refund%20parcel%20support")
    for n in range(49):
        submit(house.key, description=f"Refund of parcel {n}")
    assert cost(ana, "/?q=refund%20parcel%20support") == at_one
    # The agents' names: for the rows, for the counts, and for the counts of a few.
    assert at_one == cost(ana, "/") + 3


def test_a_request_costs_the_same_whatever_surrounds_it(house: House, ana: Client) -> None:
    def added(n: int) -> ApprovalRequest:
        request = submit(house.key, description=f"Refund {n}")
        comment_on_request(request_id=request.id, reviewer=house.ben, text="Look")
        return request

    def cost_of(request: ApprovalRequest) -> int:
        return cost(ana, reverse("console:request", args=[request.id]))

    decide(added(0), house.ben, "reject")
    first = added(1)
    at_one = cost_of(first)
    for n in range(2, 12):
        decide(added(n), house.ben, "reject")
        comment_on_request(request_id=first.id, reviewer=house.ben, text=f"Once more {n}")
    assert cost_of(first) == at_one


def test_a_search_that_is_cut_says_so_and_reads_no_more_than_it_says(
    house: House, ana: Client
) -> None:
    submit(house.key, description="Refund the parcel")
    note = "Only the first 10 words and 200 characters are searched for."
    for address in ("/", reverse("console:requests")):
        whole = read(ana.get(address, {"q": "parcel"}))
        assert "Refund the parcel" in whole.text
        assert note not in whole.text
        cut = read(ana.get(address, {"q": "parcel " * 10 + "zebra"}))
        assert "Refund the parcel" in cut.text
        assert note in cut.text
        long = ana.get(address, {"q": "z" * 10_000})
        assert note in read(long).text
        assert f'value="{"z" * 201}"' in long.text


def test_a_search_takes_whatever_is_typed(house: House, ana: Client) -> None:
    submit(house.key, description="Refund the parcel")
    typed = [
        "%",
        "_",
        "\\",
        "'",
        '"',
        "\x00",
        "\u202e",
        "';--",
        "%%",
        "{}",
        "\u200b",
        "🎉",
        "\ud83d",
    ]
    for text in typed:
        for address in ("/", reverse("console:requests")):
            query = {"q": text.encode("utf-8", "surrogatepass")}
            answer = ana.get(address, query)
            assert answer.status_code == 200
            hit = "Refund the parcel" in read(answer).text
            assert hit == (text == "\x00"), text


def test_a_search_knows_the_beginning_of_an_id(house: House, ana: Client) -> None:
    request = submit(house.key)
    submit(house.key, description="Another")
    for address in ("/", reverse("console:requests")):
        page = ana.get(address, {"q": str(request.id)})
        assert str(request.id).encode() in page.content
        assert "Another" not in read(page).text
