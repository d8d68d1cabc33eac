"""Escalation as stories: who is told, when, and how it ends. No database.

Each line is `when kind tier who [reason]`, with the time since the arrival.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from approvals.escalation.policy import (
    DEFAULT_ESCALATION,
    EscalationPolicy,
    QuietHours,
    Target,
    TargetKind,
    Tier,
)
from approvals.escalation.preview import Happening, Happens, Question, Step, foresee
from approvals.escalation.recipients import Roster
from approvals.escalation.rotation import Absence, Override, Rotation
from approvals.vocabulary import Handover
from autonomy.vocabulary import Level

TEAM, OTHER, PHONE = UUID(int=100), UUID(int=101), UUID(int=200)
ANA, BO, CY, DEE, LEAD = (UUID(int=number) for number in range(1, 6))
NAMES = {ANA: "ana", BO: "bo", CY: "cy", DEE: "dee", LEAD: "lead"}
BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday.
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)

WEEKLY = Rotation(
    PHONE, "phone", (ANA, BO, CY), Handover.WEEKLY, 0, time(9), "Europe/Berlin", date(2026, 6, 1)
)
ROSTER = Roster(
    reviewers={TEAM: frozenset({ANA, BO, CY}), OTHER: frozenset({DEE})},
    admins={TEAM: frozenset({LEAD})},
    active=frozenset(NAMES),
    rotations={PHONE: WEEKLY},
)
ON_CALL = Tier("on call", (Target(TargetKind.ROTATION, PHONE),), 600)
EVERYBODY = Tier("team", (Target(TargetKind.REVIEWERS),), 1200)
ADMINS = Tier("admins", (Target(TargetKind.ADMINS),), 1800)
THREE = EscalationPolicy((ON_CALL, EVERYBODY, ADMINS))


@dataclass(frozen=True)
class Story:
    name: str
    lines: Sequence[str]
    policy: EscalationPolicy = THREE
    roster: Roster = ROSTER
    arrival: datetime = NOON
    level: Level = Level.HARD_APPROVAL
    more: dict[str, Any] = field(default_factory=dict)


def after(seconds: int, kind: Happens, **more: Any) -> Happening:
    return Happening(NOON + timedelta(seconds=seconds), kind, **more)


def daily(at: time, *people: UUID) -> Roster:
    rotation = replace(WEEKLY, people=people, handover=Handover.DAILY, at=at)
    return replace(ROSTER, rotations={PHONE: rotation})


def away(*absences: Absence) -> Roster:
    return replace(ROSTER, absences=absences)


def whole_day(person: UUID, substitute: UUID | None = None) -> Absence:
    return Absence(person, NOON - timedelta(hours=12), NOON + timedelta(hours=12), substitute)


STORIES = (
    Story(
        "the tiers pass in silence, and it expires",
        [
            "0s told 0 bo",
            "300s reminded 0 bo",
            "540s reminded 0 bo",
            "600s escalated 1 ana,bo,cy time_limit +backup",
            "1200s reminded 1 ana,bo,cy",
            "1680s reminded 1 ana,bo,cy",
            "1800s escalated 2 lead time_limit +backup",
            "2700s reminded 2 lead",
            "3420s reminded 2 lead",
            "3600s expired 2 lead exhausted",
        ],
    ),
    Story(
        "everything once more before it expires",
        [
            "0s told 0 bo",
            "300s reminded 0 bo",
            "540s reminded 0 bo",
            "600s escalated 1 bo time_limit +backup",
            "900s reminded 1 bo",
            "1140s reminded 1 bo",
            "1200s expired 1 bo,lead exhausted",
        ],
        policy=EscalationPolicy((ON_CALL,), repeat=1),
    ),
    Story(
        "a decision at the very end of the time limit is a decision",
        [
            "0s told 0 bo",
            "300s reminded 0 bo",
            "540s reminded 0 bo",
            "600s decided 0 -",
        ],
        more={"happenings": (after(600, Happens.DECIDED),)},
    ),
    Story(
        "the time limit is as long on the night on which the clocks go forward",
        [
            "0s told 0 ana,bo,cy",
            "7200s reminded 0 ana,bo,cy",
            "12960s reminded 0 ana,bo,cy",
            "14400s expired 0 ana,bo,cy exhausted",
        ],
        policy=EscalationPolicy(
            (replace(EVERYBODY, seconds=14_400),), tell_admins_when_exhausted=False
        ),
        arrival=datetime(2027, 3, 28, 0, 30, tzinfo=BERLIN),
    ),
    Story(
        "the handover comes between the first notice and the reminder",
        [
            "0s told 0 ana",
            "300s reminded 0 bo",
            "540s reminded 0 bo",
            "600s escalated 1 ana,bo,cy time_limit +backup",
            "700s decided 1 -",
        ],
        arrival=datetime(2026, 6, 8, 8, 58, tzinfo=BERLIN),
        more={
            "happenings": (
                Happening(
                    datetime(2026, 6, 8, 8, 58, tzinfo=BERLIN) + timedelta(seconds=700),
                    Happens.DECIDED,
                ),
            )
        },
    ),
    Story(
        "the clocks go forward: a handover in the gap is at the first moment after it",
        ["0s told 0 bo", "300s reminded 0 ana", "540s reminded 0 ana", "550s decided 0 -"],
        roster=daily(time(2, 30), ANA, BO),
        # 02:30 does not exist on that day; 03:00 is the moment after 01:59:59.
        arrival=datetime(2027, 3, 28, 0, 56, tzinfo=UTC),
        more={
            "happenings": (
                Happening(
                    datetime(2027, 3, 28, 0, 56, tzinfo=UTC) + timedelta(seconds=550),
                    Happens.DECIDED,
                ),
            )
        },
    ),
    Story(
        "the clocks go back: a handover that comes twice is at the first of them",
        ["0s told 0 bo", "300s reminded 0 ana", "540s reminded 0 ana", "550s decided 0 -"],
        roster=daily(time(2, 30), ANA, BO),
        arrival=datetime(2026, 10, 25, 0, 26, tzinfo=UTC),
        more={
            "happenings": (
                Happening(
                    datetime(2026, 10, 25, 0, 26, tzinfo=UTC) + timedelta(seconds=550),
                    Happens.DECIDED,
                ),
            )
        },
    ),
    Story(
        "who is on call is away, and the substitute is told",
        ["0s told 0 cy", "10s decided 0 -"],
        roster=away(whole_day(BO, CY)),
        more={"happenings": (after(10, Happens.DECIDED),)},
    ),
    Story(
        "the substitute is away too, so the next tier is told in their place",
        ["0s told 0 ana (from 1)", "10s decided 0 -"],
        roster=away(whole_day(BO, CY), whole_day(CY)),
        more={"happenings": (after(10, Happens.DECIDED),)},
    ),
    Story(
        "nobody is on call and everybody is away: the admins are told, who cannot decide yet",
        ["0s told 0 lead? (from 2)", "10s decided 0 -"],
        roster=away(whole_day(ANA), whole_day(BO), whole_day(CY)),
        more={"happenings": (after(10, Happens.DECIDED),)},
    ),
    Story(
        "by hand to the next tier, then to a named one",
        [
            "0s told 0 bo",
            "100s escalated 1 ana,bo,cy by_hand +backup",
            "200s escalated 3 bo by_hand +backup",
            "300s decided 3 -",
        ],
        policy=replace(THREE, repeat=1),
        more={
            "happenings": (
                after(200, Happens.BY_HAND, tier=3),
                after(100, Happens.BY_HAND),
                after(300, Happens.DECIDED),
            )
        },
    ),
    Story(
        "a question stops the clock of consent, and its answer starts the full time anew",
        [
            "0s told 0 ana,bo,cy",
            "150s reminded 0 ana,bo,cy",
            "200s asked 0 -",
            "4000s answered 0 ana,bo,cy",
            "4150s reminded 0 ana,bo,cy",
            "4270s reminded 0 ana,bo,cy",
            "4300s consented 0 - silence",
        ],
        policy=DEFAULT_ESCALATION,
        level=Level.SOFT_APPROVAL,
        more={"happenings": (after(200, Happens.ASKED), after(4000, Happens.ANSWERED))},
    ),
    Story(
        "a question that nobody answers escalates, without a reminder to people meanwhile",
        [
            "0s told 0 ana,bo,cy",
            "100s asked 0 -",
            "7300s escalated 1 ana,bo,cy,lead no_answer +backup",
        ],
        policy=DEFAULT_ESCALATION,
        level=Level.SOFT_APPROVAL,
        more={"happenings": (after(100, Happens.ASKED),), "hard_seconds": 7200},
    ),
    Story(
        "without notice silence is no consent: the same tier is told again, and it never consents",
        [
            "0s told 0 ana,bo,cy",
            "150s reminded 0 ana,bo,cy",
            "270s reminded 0 ana,bo,cy",
            "300s escalated 0 ana,bo,cy no_notice +backup",
            "600s reminded 0 ana,bo,cy",
            "840s reminded 0 ana,bo,cy",
            "900s escalated 1 ana,bo,cy,lead time_limit +backup",
            "1200s reminded 1 ana,bo,cy,lead",
            "1440s reminded 1 ana,bo,cy,lead",
            "1500s expired 1 ana,bo,cy,lead exhausted",
        ],
        policy=DEFAULT_ESCALATION,
        level=Level.SOFT_APPROVAL,
        more={"notice": False, "hard_seconds": 600},
    ),
    Story(
        "a policy without silent consent goes to the next tier",
        [
            "0s told 0 ana,bo,cy",
            "150s reminded 0 ana,bo,cy",
            "270s reminded 0 ana,bo,cy",
            "300s escalated 1 ana,bo,cy,lead no_silent_consent +backup",
        ],
        policy=DEFAULT_ESCALATION,
        level=Level.SOFT_APPROVAL,
        more={"silent_consent": False},
    ),
    Story(
        "quiet hours hold back what nobody has to act on, over midnight",
        ["0s held_back 0 - quiet hours", "36000s told 0 ana,bo,cy"],
        policy=replace(DEFAULT_ESCALATION, quiet=QuietHours(time(20), time(8), "Europe/Berlin")),
        level=Level.NOTIFY_ONLY,
        arrival=datetime(2026, 6, 10, 22, 0, tzinfo=BERLIN),
    ),
    Story(
        "quiet hours hold back nothing that waits",
        ["0s told 0 ana,bo,cy", "5s decided 0 -"],
        policy=replace(DEFAULT_ESCALATION, quiet=QuietHours(time(20), time(8), "Europe/Berlin")),
        arrival=datetime(2026, 6, 10, 22, 0, tzinfo=BERLIN),
        more={
            "happenings": (
                Happening(datetime(2026, 6, 10, 22, 0, 5, tzinfo=BERLIN), Happens.DECIDED),
            )
        },
    ),
    Story(
        "an override and a named person without the right to decide",
        ["0s told 0 cy", "5s decided 0 -"],
        policy=EscalationPolicy(
            (Tier("x", (Target(TargetKind.ROTATION, PHONE), Target(TargetKind.PERSON, DEE))),)
        ),
        roster=replace(ROSTER, overrides=(Override(PHONE, CY, NOON, NOON + timedelta(seconds=1)),)),
        more={"happenings": (after(5, Happens.DECIDED),)},
    ),
    Story(
        "more time moves the reminders",
        [
            "0s told 0 ana,bo,cy",
            "100s extended 0 -",
            "300s reminded 0 ana,bo,cy",
            "540s reminded 0 ana,bo,cy",
            "600s consented 0 - silence",
        ],
        policy=DEFAULT_ESCALATION,
        level=Level.SOFT_APPROVAL,
        more={"happenings": (after(100, Happens.EXTENDED),)},
    ),
)


def told(step: Step) -> str:
    people = sorted((NAMES[one.person], one.may_decide) for one in step.told)
    return ",".join(name if able else f"{name}?" for name, able in people) or "-"


def line(step: Step, arrival: datetime) -> str:
    seconds = int((step.at - arrival.astimezone(UTC)).total_seconds())
    words = [f"{seconds}s", step.kind.value, str(step.tier), told(step), step.reason]
    words += ["+backup"] if step.backup else []
    words += [f"(from {step.fallback_tier})"] if step.fallback_tier is not None else []
    return " ".join(word for word in words if word)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_story(story: Story) -> None:
    question = Question(
        policy=story.policy,
        roster=story.roster,
        team_id=TEAM,
        arrival=story.arrival,
        level=story.level,
        **story.more,
    )
    steps = [line(step, story.arrival) for step in foresee(question)]
    assert steps[: len(story.lines)] == list(story.lines)
    ends = ("decided", "expired", "consented")
    if any(f" {end} " in story.lines[-1] for end in ends) or story.level == Level.NOTIFY_ONLY:
        assert len(steps) == len(story.lines)


def test_who_is_left_out_and_why() -> None:
    policy = EscalationPolicy(
        (
            Tier(
                "x",
                (
                    Target(TargetKind.REVIEWERS),
                    Target(TargetKind.PERSON, DEE),
                    Target(TargetKind.ADMINS),
                    Target(TargetKind.TEAM, OTHER),
                    Target(TargetKind.ROTATION, UUID(int=999)),
                ),
            ),
        )
    )
    roster = replace(away(whole_day(BO)), active=frozenset({ANA, BO, DEE, LEAD}))
    (first, *_) = foresee(Question(policy, roster, TEAM, NOON, Level.HARD_APPROVAL))
    assert told(first) == "ana"
    assert {(one.person, one.why) for one in first.left_out} == {
        (BO, "away, and nobody stands in"),
        (CY, "switched off"),
        (DEE, "may not decide here"),
        (LEAD, "may not decide here"),
        (None, "the rotation is gone"),
    }


def test_when_all_are_away_they_are_told_all_the_same() -> None:
    roster = replace(away(*(whole_day(one) for one in (ANA, BO, CY, LEAD))))
    (first, *_) = foresee(Question(DEFAULT_ESCALATION, roster, TEAM, NOON, Level.HARD_APPROVAL))
    assert told(first) == "ana,bo,cy"
    assert {one.because for one in first.told} == {"away, but nobody else is there"}
