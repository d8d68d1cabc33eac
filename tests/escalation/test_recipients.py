"""Who is told where a tier has nobody: always somebody, and with the reason that is true."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from approvals.escalation.policy import EscalationPolicy, Target, TargetKind, Tier
from approvals.escalation.recipients import LeftOut, Resolved, Roster, resolve, resolve_exhausted
from approvals.escalation.rotation import Absence

TEAM = UUID(int=100)
ANA, BO, DEE, LEAD = (UUID(int=number) for number in range(1, 5))
NAMES = {ANA: "ana", BO: "bo", DEE: "dee", LEAD: "lead"}
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROSTER = Roster(
    reviewers={TEAM: frozenset({ANA, BO})},
    admins={TEAM: frozenset({LEAD})},
    active=frozenset(NAMES),
)


def one_tier(*targets: Target, tell_admins: bool = True) -> EscalationPolicy:
    tiers = (Tier("only", targets, 600),)
    return EscalationPolicy(tiers, tell_admins_when_exhausted=tell_admins)


def person(who: UUID) -> Target:
    return Target(TargetKind.PERSON, who)


def away(*people: UUID | tuple[UUID, UUID]) -> Roster:
    """People who are away, or pairs of one who is and who stands in."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in people]
    return replace(
        ROSTER, absences=[Absence(who, NOON - HOUR, NOON + HOUR, instead) for who, instead in pairs]
    )


def told(resolved: Resolved) -> list[tuple[str, str, bool]]:
    return [(NAMES[one.person], one.because, one.may_decide) for one in resolved.told]


CANNOT, AWAY = "nobody of the tier can be told", "away, but nobody else is there"
NOBODY_THERE = Target(TargetKind.ROTATION, UUID(int=999))


@pytest.mark.parametrize(
    ("target", "roster", "expected"),
    [
        pytest.param(person(BO), away(BO), [("lead", CANNOT, False)], id="admins"),
        pytest.param(
            person(BO), away(BO, (LEAD, ANA)), [("ana", CANNOT, True)], id="admin's substitute"
        ),
        pytest.param(
            person(BO), away(BO, (LEAD, DEE)), [("ana", CANNOT, True)], id="substitute of no team"
        ),
        pytest.param(
            person(BO), away(BO, LEAD), [("ana", CANNOT, True)], id="who is not in a tier but there"
        ),
        pytest.param(person(BO), away(ANA, BO, LEAD), [("bo", AWAY, True)], id="who was meant"),
        pytest.param(
            NOBODY_THERE,
            away(ANA, BO, LEAD),
            [("ana", AWAY, True), ("bo", AWAY, True)],
            id="a tier that names nobody",
        ),
        pytest.param(
            NOBODY_THERE,
            replace(away(LEAD), reviewers={}),
            [("lead", AWAY, False)],
            id="a team of one admin who is away",
        ),
        pytest.param(NOBODY_THERE, Roster(), [], id="nobody at all"),
    ],
)
def test_somebody_is_told(
    target: Target, roster: Roster, expected: list[tuple[str, str, bool]]
) -> None:
    assert told(resolve(one_tier(target), 0, roster, TEAM, NOON)) == expected


def test_a_substitute_without_a_right_is_nobody() -> None:
    policy = one_tier(person(BO), person(ANA))
    found = resolve(policy, 0, away((BO, DEE)), TEAM, NOON)
    assert told(found) == [("ana", "named by the tier", True)]
    assert found.left_out == (LeftOut(BO, "away, and nobody stands in"),)


def test_everybody_once_and_for_the_first_reason() -> None:
    policy = one_tier(person(BO), Target(TargetKind.REVIEWERS), person(ANA))
    assert told(resolve(policy, 0, away((ANA, BO)), TEAM, NOON)) == [
        ("bo", "named by the tier", True)
    ]
    assert told(resolve(policy, 0, ROSTER, TEAM, NOON)) == [
        ("bo", "named by the tier", True),
        ("ana", "reviewer of the team", True),
    ]


def test_absences_end_at_their_end() -> None:
    absence = Absence(BO, NOON - HOUR, NOON + HOUR, ANA)
    roster = replace(ROSTER, absences=[absence])
    instead = [("ana", "stands in for somebody who is away", True)]
    expected = {
        absence.starts_at - timedelta(microseconds=1): [("bo", "named by the tier", True)],
        absence.starts_at: instead,
        absence.ends_at - timedelta(microseconds=1): instead,
        absence.ends_at: [("bo", "named by the tier", True)],
    }
    found = {at: told(resolve(one_tier(person(BO)), 0, roster, TEAM, at)) for at in expected}
    assert found == expected


PASSED, NAMED = "every tier has passed", "named by the tier"


@pytest.mark.parametrize(
    ("roster", "tell_admins", "expected"),
    [
        pytest.param(
            ROSTER, True, [("bo", NAMED, True), ("lead", PASSED, False)], id="admins as well"
        ),
        pytest.param(ROSTER, False, [("bo", NAMED, True)], id="admins do not want to know"),
        pytest.param(
            away((LEAD, BO)),
            True,
            [("bo", NAMED, True)],
            id="stands in, told once",
        ),
        pytest.param(
            away(LEAD),
            True,
            [("bo", NAMED, True), ("lead", PASSED, False)],
            id="away, and nobody stands in",
        ),
    ],
)
def test_who_hears_that_every_tier_has_passed(
    roster: Roster, tell_admins: bool, expected: list[tuple[str, str, bool]]
) -> None:
    policy = one_tier(person(BO), tell_admins=tell_admins)
    assert told(resolve_exhausted(policy, 0, roster, TEAM, NOON)) == expected
