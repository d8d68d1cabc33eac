from decimal import Decimal
from pathlib import Path

import pytest

import approvals.replay
from approvals.replay.mapping import (
    CostSource,
    MappingError,
    TakeoverMode,
    Tool,
    ToolKind,
    read_mapping,
)
from autonomy.vocabulary import Domain
from tests.replay.recordings import MAPPING


def test_a_mapping_says_what_each_tool_means() -> None:
    mapping = read_mapping(MAPPING, name="library.toml")

    assert mapping.takeover is TakeoverMode.SKIP
    assert mapping.tools == {
        "find_member": Tool(ToolKind.HARMLESS, "find_member"),
        "waive_fee": Tool(
            ToolKind.CONSEQUENTIAL,
            "fee.waive",
            "Waive {amount} USD for {member.name}: {reasons[]}",
            reversible=False,
            domains=(Domain.FINANCIAL,),
            cost=CostSource(arguments="amount"),
        ),
        "close_account": Tool(
            ToolKind.CONSEQUENTIAL,
            "close_account",
            "Close {member_id}",
            cost=CostSource(result_of="find_member", same="member_id", path="fees[].amount"),
        ),
        "call_librarian": Tool(ToolKind.TAKEOVER, "call_librarian"),
    }


def test_json_says_the_same_as_toml() -> None:
    as_json = b'{"takeover": "request", "tools": {"mail": {"cost_usd": 0, "reversible": true}}}'
    as_toml = b'takeover = "request"\n[tools.mail]\ncost_usd = "0"\nreversible = true'

    mapping = read_mapping(as_json, name="m.json")
    assert mapping == read_mapping(as_toml, name="m.toml")
    assert mapping.tools["mail"].cost == CostSource(fixed=Decimal(0))


def test_the_example_that_is_shipped_names_the_consequential_tools_of_an_airline() -> None:
    folder = Path(approvals.replay.__path__[0])
    mapping = read_mapping((folder / "airline.toml").read_bytes(), name="airline.toml")

    consequential = {n for n, t in mapping.tools.items() if t.kind is ToolKind.CONSEQUENTIAL}
    assert consequential == {
        "book_reservation",
        "cancel_reservation",
        "update_reservation_flights",
        "update_reservation_baggages",
        "update_reservation_passengers",
        "send_certificate",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tools", "m.toml: "),
        ("", "[tools.NAME] tables are missing"),
        ("colour = 1\n[tools.a]", "the file has unknown members: colour"),
        ('takeover = "now"\n[tools.a]', 'takeover must be "skip" or "request"'),
        ("[tools]\na = 1", "tools.a must be a table"),
        ("[tools.a]\nreversable = true", "tools.a has unknown members: reversable"),
        ('[tools.a]\nreversible = "yes"', "tools.a.reversible: true or false"),
        ("[tools.a]\nconsequential = 1", "tools.a.consequential: true or false"),
        ('[tools.a]\ndomains = ["money"]', "only financial, pii, regulated are known"),
        ("[tools.a]\ndescription = 5", "tools.a.description must be a text"),
        ('[tools.a]\ndescription = "{a!r}"', "{a!r} is no path into the arguments"),
        ('[tools.a]\ncost_usd = "lots"', "tools.a.cost_usd: 'lots' is no amount"),
        ('[tools.a]\ncost_usd = "-1"', "tools.a.cost_usd must be 0 or more"),
        ("[tools.a]\ncost_usd = 0.5", "tools.a.cost_usd must be an amount or a table"),
        ('[tools.a]\ncost_usd = {result_of = "b"}', "takes either arguments, or result_of"),
        ('[tools.a]\ncost_usd = {arguments = "a[0]"}', "'a[0]' is no path"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_the_place(text: str, reason: str) -> None:
    with pytest.raises(MappingError) as refusal:
        read_mapping(text.encode(), name="m.toml")
    assert reason in str(refusal.value)
