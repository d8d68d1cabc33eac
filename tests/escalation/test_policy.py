"""Escalation policies as JSON: what is read, what is refused, and what the numbers mean."""

from typing import Any

import pytest

from approvals.escalation.policy import DEFAULT_ESCALATION, EscalationPolicy
from autonomy.policy.reading import ReadError

ID = "0193a0a0-0000-7000-8000-000000000001"
GOOD: dict[str, Any] = {
    "tiers": [
        {
            "name": "On call",
            "targets": [{"kind": "rotation", "id": ID}, {"kind": "reviewers"}],
            "seconds": 600,
            "primary": [ID],
            "backup": [],
        },
        {"name": "All", "targets": [{"kind": "admins", "id": None}]},
    ],
    "repeat": 2,
    "quiet": {"start": "20:00", "end": "07:30", "timezone": "Europe/Berlin", "weekdays": [0, 4]},
    "tell_admins_when_exhausted": False,
}


def test_it_comes_back_as_it_went() -> None:
    policy = EscalationPolicy.from_json(GOOD)
    assert EscalationPolicy.from_json(policy.to_json()) == policy
    assert EscalationPolicy.from_json(DEFAULT_ESCALATION.to_json()) == DEFAULT_ESCALATION
    assert (policy.steps, policy.last_tier) == (6, 5)
    assert [policy.tier(number).name for number in range(7)] == ["On call", "All"] * 3 + ["All"]


@pytest.mark.parametrize(
    ("change", "loc", "msg"),
    [
        ({"tiers": []}, ["tiers"], "must have 1 to 10 entries"),
        ({"tiers": GOOD["tiers"] * 6}, ["tiers"], "must have 1 to 10 entries"),
        ({"tiers": "x"}, ["tiers"], "must be a list"),
        ({"repeat": 10}, ["repeat"], "must be a whole number from 0 to 9"),
        ({"repeat": True}, ["repeat"], "must be a whole number from 0 to 9"),
        ({"more": 1}, ["more"], "unknown field"),
        ({"quiet": {}}, ["quiet", "start"], "is required"),
        (
            {"quiet": GOOD["quiet"] | {"timezone": "Mars/Base"}},
            ["quiet", "timezone"],
            'must be a time zone such as "Europe/Berlin"',
        ),
        (
            {"quiet": GOOD["quiet"] | {"timezone": "../etc/passwd"}},
            ["quiet", "timezone"],
            'must be a time zone such as "Europe/Berlin"',
        ),
        (
            {"quiet": GOOD["quiet"] | {"start": "25:00"}},
            ["quiet", "start"],
            'must be a time of day such as "18:00"',
        ),
        (
            {"quiet": GOOD["quiet"] | {"end": "20:00"}},
            ["quiet", "end"],
            "must differ from the start",
        ),
        (
            {"quiet": GOOD["quiet"] | {"weekdays": [7]}},
            ["quiet", "weekdays", 0],
            "must be a whole number from 0 to 6",
        ),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], loc: list[Any], msg: str) -> None:
    with pytest.raises(ReadError) as caught:
        EscalationPolicy.from_json(GOOD | change)
    assert {"loc": loc, "msg": msg} in caught.value.errors


@pytest.mark.parametrize(
    ("change", "loc", "msg"),
    [
        ({"name": " "}, ["name"], "must be a name of at most 80 characters"),
        ({"targets": []}, ["targets"], "must have 1 to 20 entries"),
        ({"targets": [{"kind": "nobody"}]}, ["targets", 0, "kind"], None),
        ({"targets": [{"kind": "person"}]}, ["targets", 0, "id"], "is required"),
        (
            {"targets": [{"kind": "admins", "id": ID}]},
            ["targets", 0, "id"],
            "is for people, teams and rotations",
        ),
        ({"targets": [{"kind": "person", "id": "x"}]}, ["targets", 0, "id"], "must be an id"),
        (
            {"targets": [{"kind": "admins"}] * 2},
            ["targets"],
            "must name each one once",
        ),
        ({"seconds": 29}, ["seconds"], "must be a whole number from 30 to 31536000"),
        ({"primary": [ID, ID]}, ["primary"], "must name each one once"),
    ],
)
def test_what_is_wrong_in_a_tier_is_named(
    change: dict[str, Any], loc: list[Any], msg: str | None
) -> None:
    tiers = [GOOD["tiers"][0], GOOD["tiers"][0] | change]
    with pytest.raises(ReadError) as caught:
        EscalationPolicy.from_json(GOOD | {"tiers": tiers})
    found = {tuple(error["loc"]): error["msg"] for error in caught.value.errors}
    assert ("tiers", 1, *loc) in found
    assert msg in (None, found["tiers", 1, *loc])


def test_each_wrong_field_of_each_tier_is_named() -> None:
    targets = [{"kind": "x"}, {"kind": "reviewers"}, {"kind": "y"}]
    tiers = [{"name": "", "targets": targets}, GOOD["tiers"][0], {"name": "", "seconds": 1}]
    with pytest.raises(ReadError) as caught:
        EscalationPolicy.from_json({"tiers": tiers, "repeat": -1})
    assert [error["loc"] for error in caught.value.errors] == [
        ["tiers", 0, "name"],
        ["tiers", 0, "targets", 0, "kind"],
        ["tiers", 0, "targets", 2, "kind"],
        ["tiers", 2, "targets"],
        ["tiers", 2, "name"],
        ["tiers", 2, "seconds"],
        ["repeat"],
    ]
