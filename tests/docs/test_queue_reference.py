"""The reference of the queue's address is what the page reads."""

from approvals.console.bulk import MOST
from approvals.console.filters import READERS
from approvals.console.queue import MOST_SHOWN, PAGE
from approvals.console.saved_views import MAX_NAME, MOST_VIEWS
from approvals.console.sorting import Sort
from tests.docs.markdown import ROOT, table

QUEUE = ROOT / "docs" / "reference" / "queue.md"


def test_filters_and_orders_are_those_of_the_page() -> None:
    assert [row[0] for row in table(QUEUE, "Filters")] == list(READERS)
    assert [row[0] for row in table(QUEUE, "Orders")] == list(Sort)


def test_limits_are_those_of_the_code() -> None:
    text = QUEUE.read_text()
    assert f"Views of a person: {MOST_VIEWS}, with names of at most {MAX_NAME}" in text
    assert f"Requests of one bulk deed: {MOST}." in text
    assert [row[1] for row in table(QUEUE, "The page") if row[0] == "rows"] == [
        f"{PAGE} to {MOST_SHOWN}"
    ]
    assert f"A page has {PAGE} rows" in text
