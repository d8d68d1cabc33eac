"""Who is told at a tier, and who is not and why. Pure.

An escalation policy says whom to tell; it gives nobody a right. Those who may decide are the
reviewers of the request's team, and from the second step on its admins.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from approvals.escalation.policy import EscalationPolicy, Target, TargetKind, Tier
from approvals.escalation.rotation import Absence, Override, Rotation, on_call, present

REVIEWER, ADMIN = "reviewer of the team", "admin of the team"
NAMED, OF_TEAM = "named by the tier", "reviewer of a team that the tier names"
STANDS_IN = "stands in for somebody who is away"
ON_CALL = "on call"
FALLBACK = "nobody of the tier can be told"
ALL_AWAY = "away, but nobody else is there"
EXHAUSTED = "every tier has passed"

NO_RIGHT, AWAY, INACTIVE = "may not decide here", "away, and nobody stands in", "switched off"
NO_ROTATION = "the rotation is gone"


@dataclass(frozen=True, slots=True)
class Roster:
    """Who there is: reviewers and admins by team, everybody active, rotations, absences."""

    reviewers: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    admins: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    active: frozenset[UUID] = frozenset()
    rotations: Mapping[UUID, Rotation] = field(default_factory=dict)
    overrides: Sequence[Override] = ()
    absences: Sequence[Absence] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """`may_decide`: at the step at which the request is, whoever's turn it is to be told."""

    person: UUID
    because: str
    may_decide: bool = True


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A person of the tier who is not told; None: a target behind which there is nobody."""

    person: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """`fallback_tier`: the step whose people are told in place of this one's."""

    told: tuple[Told, ...]
    left_out: tuple[LeftOut, ...] = ()
    fallback_tier: int | None = None


def may_decide(roster: Roster, team_id: UUID, tier_number: int) -> frozenset[UUID]:
    reviewers = roster.reviewers.get(team_id, frozenset()) & roster.active
    return reviewers | _admins(roster, team_id) if tier_number > 0 else reviewers


def resolve(
    policy: EscalationPolicy, tier_number: int, roster: Roster, team_id: UUID, moment: datetime
) -> Resolved:
    """Who is told at a step. Where it has nobody, the people of the next step that has somebody
    are told in their place; then the team's admins; then whoever may decide, named or not; in the
    very end those who are away.
    """
    here = _at(policy, tier_number, roster, team_id, moment)
    if here.told:
        return here
    able = may_decide(roster, team_id, tier_number)
    for number in range(tier_number + 1, policy.last_tier + 1):
        there = _at(policy, number, roster, team_id, moment)
        if there.told:
            told = _instead([one.person for one in there.told], able, FALLBACK)
            return Resolved(told, here.left_out, number)
    return Resolved(_last_resort(here, able, roster, team_id, moment), here.left_out)


def resolve_exhausted(
    policy: EscalationPolicy, tier_number: int, roster: Roster, team_id: UUID, moment: datetime
) -> Resolved:
    """Who is told that every tier has passed: the people of the step at which the request was,
    and the team's admins where the policy says so, if need be those who are away.
    """
    last = resolve(policy, tier_number, roster, team_id, moment)
    if not policy.tell_admins_when_exhausted:
        return last
    known = {one.person for one in last.told}
    admins = _admins(roster, team_id)
    told = _around(admins, roster, team_id, moment) or sorted(admins)
    more = [one for one in told if one not in known]
    able = may_decide(roster, team_id, tier_number)
    return replace(last, told=last.told + _instead(more, able, EXHAUSTED))


def _last_resort(
    here: Resolved, able: frozenset[UUID], roster: Roster, team_id: UUID, moment: datetime
) -> tuple[Told, ...]:
    admins = _admins(roster, team_id)
    for people in (admins, able):
        around = _around(people, roster, team_id, moment)
        if around:
            return _instead(around, able, FALLBACK)
    away = [one.person for one in here.left_out if one.why == AWAY and one.person is not None]
    return _instead(away or sorted(able or admins), able, ALL_AWAY)


def _admins(roster: Roster, team_id: UUID) -> frozenset[UUID]:
    return roster.admins.get(team_id, frozenset()) & roster.active


def _around(people: frozenset[UUID], roster: Roster, team_id: UUID, moment: datetime) -> list[UUID]:
    """Who of them is there, or stands in for one and belongs to the team's deciders, too."""
    there = (present(one, roster.absences, moment) for one in sorted(people))
    deciders = may_decide(roster, team_id, 1)
    return list(dict.fromkeys(one for one in there if one in deciders))


def _instead(people: Iterable[UUID], able: frozenset[UUID], because: str) -> tuple[Told, ...]:
    return tuple(Told(person, because, person in able) for person in people)


def _at(
    policy: EscalationPolicy, number: int, roster: Roster, team_id: UUID, moment: datetime
) -> Resolved:
    able = may_decide(roster, team_id, number)
    told: dict[UUID, Told] = {}
    left_out: dict[LeftOut, None] = {}
    for person, because in _named(policy.tier(number), roster, team_id, moment):
        outcome = _judge(person, because, able, roster, moment)
        if isinstance(outcome, Told):
            told.setdefault(outcome.person, outcome)
        else:
            left_out.setdefault(outcome)
    return Resolved(tuple(told.values()), tuple(left_out))


def _judge(
    person: UUID | None,
    because: str,
    able: frozenset[UUID],
    roster: Roster,
    moment: datetime,
) -> Told | LeftOut:
    if person is None:
        return LeftOut(None, because)
    if person not in roster.active:
        return LeftOut(person, INACTIVE)
    if person not in able:
        return LeftOut(person, NO_RIGHT)
    there = present(person, roster.absences, moment)
    if there is None or there not in able:
        return LeftOut(person, AWAY)
    return Told(there, because if there == person else STANDS_IN)


def _named(
    tier: Tier, roster: Roster, team_id: UUID, moment: datetime
) -> Iterator[tuple[UUID | None, str]]:
    """Who is meant by the tier's targets, or (None, why) for a target without anybody."""
    for target in tier.targets:
        yield from _behind(target, roster, team_id, moment)


def _behind(
    target: Target, roster: Roster, team_id: UUID, moment: datetime
) -> Iterator[tuple[UUID | None, str]]:
    if target.kind is TargetKind.ROTATION:
        yield _turn(target, roster, moment)
    elif target.kind is TargetKind.PERSON:
        yield target.id, NAMED
    else:
        people, because = _group(target, roster, team_id)
        for person in sorted(people):
            yield person, because


def _group(target: Target, roster: Roster, team_id: UUID) -> tuple[frozenset[UUID], str]:
    if target.kind is TargetKind.ADMINS:
        return roster.admins.get(team_id, frozenset()), ADMIN
    if target.kind is TargetKind.REVIEWERS or target.id is None:
        return roster.reviewers.get(team_id, frozenset()), REVIEWER
    return roster.reviewers.get(target.id, frozenset()), OF_TEAM


def _turn(target: Target, roster: Roster, moment: datetime) -> tuple[UUID | None, str]:
    rotation = roster.rotations.get(target.id) if target.id else None
    if rotation is None:
        return None, NO_ROTATION
    now = on_call(rotation, roster.overrides, roster.absences, moment)
    return now.person, now.because if now.person is None else f"{ON_CALL} in {rotation.name}"
