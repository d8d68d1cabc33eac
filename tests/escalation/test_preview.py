"""What is foreseen is what the console would do: what it refuses does not happen, and silence
consents only where somebody who may object was told.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from approvals.escalation.policy import (
    DEFAULT_ESCALATION,
    EscalationPolicy,
    Target,
    TargetKind,
    Tier,
)
from approvals.escalation.preview import Happening, Happens, Question, Step, foresee
from approvals.escalation.recipients import Roster
from approvals.escalation.rotation import Absence, Rotation
from approvals.vocabulary import Handover
from autonomy.vocabulary import Level

TEAM, PHONE = UUID(int=100), UUID(int=200)
ANA, BO, LEAD = (UUID(int=number) for number in range(1, 4))
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
ROSTER = Roster(
    reviewers={TEAM: frozenset({ANA, BO})},
    admins={TEAM: frozenset({LEAD})},
    active=frozenset({ANA, BO, LEAD}),
)
SOFT = Question(DEFAULT_ESCALATION, ROSTER, TEAM, NOON, Level.SOFT_APPROVAL, hard_seconds=600)
HARD = replace(SOFT, level=Level.HARD_APPROVAL)


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


def after(amount: int, kind: Happens, tier: int | None = None) -> Happening:
    return Happening(NOON + seconds(amount), kind, tier)


def steps(question: Question, *happenings: Happening, reminded: bool = False) -> list[str]:
    """`seconds kind tier level [reason]` of each step."""
    found = foresee(replace(question, happenings=happenings))
    return [line(step) for step in found if reminded or step.kind != "reminded"]


def line(step: Step) -> str:
    words = [int((step.at - NOON).total_seconds()), step.kind.value, step.tier, step.level.name]
    return " ".join(map(str, [*words, *([step.reason] if step.reason else [])]))


def away_until(end: float, *people: UUID) -> Roster:
    """They come back that many seconds after the arrival."""
    gone = [Absence(one, NOON - seconds(3600), NOON + seconds(end)) for one in people]
    return replace(ROSTER, absences=gone)


CONSENTED = ["0 told 0 SOFT_APPROVAL", "300 consented 0 SOFT_APPROVAL silence"]
NO_NOTICE = [
    "0 told 0 SOFT_APPROVAL",
    "300 escalated 0 HARD_APPROVAL no_notice",
    "900 escalated 1 HARD_APPROVAL time_limit",
    "1500 expired 1 HARD_APPROVAL exhausted",
]


@pytest.mark.parametrize(
    ("roster", "expected"),
    [
        pytest.param(ROSTER, CONSENTED, id="reviewers"),
        pytest.param(away_until(9999, ANA, BO), NO_NOTICE, id="only an admin, who may not yet"),
        pytest.param(replace(ROSTER, reviewers={}), NO_NOTICE, id="a team without reviewers"),
        pytest.param(Roster(), NO_NOTICE, id="nobody at all"),
        pytest.param(away_until(9999, ANA, BO, LEAD), CONSENTED, id="away, and told all the same"),
        # The reminders are at 150 and at 270; notice is needed by 240.
        pytest.param(away_until(150, ANA, BO), CONSENTED, id="back for the first reminder"),
        pytest.param(away_until(151, ANA, BO), NO_NOTICE, id="back for the second: too late"),
    ],
)
def test_silence_consents_where_somebody_who_may_object_was_told(
    roster: Roster, expected: Sequence[str]
) -> None:
    assert steps(replace(SOFT, roster=roster)) == expected


def test_notice_at_the_latest_moment_is_notice() -> None:
    """Of 120 seconds the first reminder is at 60, and 60 are needed."""
    question = replace(SOFT, roster=away_until(60, ANA, BO), soft_seconds=120)
    assert steps(question)[-1] == "120 consented 0 SOFT_APPROVAL silence"


def test_an_answer_needs_notice_of_its_own() -> None:
    """Those who were told before the question are away when its answer comes."""
    gone = [Absence(one, NOON + seconds(50), NOON + seconds(9999)) for one in (ANA, BO)]
    question = replace(SOFT, roster=replace(ROSTER, absences=gone))
    assert steps(question, after(100, Happens.ASKED), after(200, Happens.ANSWERED))[:4] == [
        "0 told 0 SOFT_APPROVAL",
        "100 asked 0 SOFT_APPROVAL",
        "200 answered 0 SOFT_APPROVAL",
        "500 escalated 0 HARD_APPROVAL no_notice",
    ]


def test_more_time_makes_a_late_reminder_notice_enough() -> None:
    roster = away_until(151, ANA, BO)
    assert steps(replace(SOFT, roster=roster), after(160, Happens.EXTENDED)) == [
        "0 told 0 SOFT_APPROVAL",
        "160 extended 0 SOFT_APPROVAL",
        "600 consented 0 SOFT_APPROVAL silence",
    ]


IN_SILENCE = [
    "0 told 0 HARD_APPROVAL",
    "600 escalated 1 HARD_APPROVAL time_limit",
    "1200 expired 1 HARD_APPROVAL exhausted",
]


@pytest.mark.parametrize(
    "happening",
    [
        after(-1, Happens.DECIDED),
        after(10, Happens.ANSWERED),
        after(10, Happens.BY_HAND, tier=0),
        after(10, Happens.BY_HAND, tier=2),
        after(700, Happens.BY_HAND),
        after(700, Happens.BY_HAND, tier=1),
        after(1201, Happens.DECIDED),
    ],
    ids=lambda one: f"{one.kind.value} {one.tier} at {(one.at - NOON).total_seconds():g}",
)
def test_what_the_console_refuses_does_not_happen(happening: Happening) -> None:
    assert steps(HARD, happening) == IN_SILENCE


def test_a_question_holds_up_everything_but_an_escalation_by_hand() -> None:
    asked = after(10, Happens.ASKED)
    refused = (after(20, Happens.DECIDED), after(30, Happens.ASKED))
    assert steps(HARD, asked, *refused, after(40, Happens.BY_HAND))[:3] == [
        "0 told 0 HARD_APPROVAL",
        "10 asked 0 HARD_APPROVAL",
        "40 escalated 1 HARD_APPROVAL by_hand",
    ]


def test_a_question_at_a_higher_tier_comes_back_there() -> None:
    by_hand, asked = after(10, Happens.BY_HAND), after(20, Happens.ASKED)
    assert steps(SOFT, by_hand, asked, after(30, Happens.ANSWERED)) == [
        "0 told 0 SOFT_APPROVAL",
        "10 escalated 1 HARD_APPROVAL by_hand",
        "20 asked 1 HARD_APPROVAL",
        "30 answered 1 HARD_APPROVAL",
        "630 expired 1 HARD_APPROVAL exhausted",
    ]


@pytest.mark.parametrize(
    ("happening", "expected"),
    [
        pytest.param(
            after(300, Happens.DECIDED),
            ["0 told 0 SOFT_APPROVAL", "300 decided 0 SOFT_APPROVAL"],
            id="a verdict counts",
        ),
        pytest.param(
            after(300, Happens.BY_HAND),
            [
                "0 told 0 SOFT_APPROVAL",
                "300 escalated 1 HARD_APPROVAL by_hand",
                "900 expired 1 HARD_APPROVAL exhausted",
            ],
            id="an escalation is a verdict",
        ),
        pytest.param(after(300, Happens.ASKED), CONSENTED, id="a question is too late"),
        pytest.param(after(300, Happens.EXTENDED), CONSENTED, id="more time is too late"),
    ],
)
def test_at_the_very_end_of_the_time_limit(happening: Happening, expected: Sequence[str]) -> None:
    assert steps(SOFT, happening) == expected


def test_what_is_too_late_for_one_tier_is_done_at_the_next() -> None:
    assert steps(HARD, after(600, Happens.ASKED))[:3] == [
        "0 told 0 HARD_APPROVAL",
        "600 escalated 1 HARD_APPROVAL time_limit",
        "600 asked 1 HARD_APPROVAL",
    ]


def test_more_time_is_at_most_as_much_again() -> None:
    more = [after(at, Happens.EXTENDED) for at in (10, 20, 30)]
    assert steps(HARD, *more, reminded=True)[:7] == [
        "0 told 0 HARD_APPROVAL",
        "10 extended 0 HARD_APPROVAL",
        "20 extended 0 HARD_APPROVAL",
        "600 reminded 0 HARD_APPROVAL",
        "1080 reminded 0 HARD_APPROVAL",
        "1200 escalated 1 HARD_APPROVAL time_limit",
        "1500 reminded 1 HARD_APPROVAL",
    ]


def test_a_new_wait_may_be_made_longer_anew() -> None:
    question = replace(SOFT, soft_seconds=200)
    happenings = (
        after(10, Happens.EXTENDED),
        after(20, Happens.ASKED),
        after(30, Happens.ANSWERED),
        after(40, Happens.EXTENDED),
    )
    assert steps(question, *happenings)[-2:] == [
        "40 extended 0 SOFT_APPROVAL",
        "430 consented 0 SOFT_APPROVAL silence",
    ]


def test_who_decides_when_a_reminder_is_due_is_not_reminded() -> None:
    assert steps(HARD, after(300, Happens.DECIDED), reminded=True) == [
        "0 told 0 HARD_APPROVAL",
        "300 decided 0 HARD_APPROVAL",
    ]


def test_a_takeover_is_escalated_again_and_again_until_somebody_has_it() -> None:
    question = replace(SOFT, level=Level.HUMAN_TAKEOVER, hard_seconds=900)
    assert steps(question, after(3000, Happens.DECIDED)) == [
        "0 told 0 HUMAN_TAKEOVER",
        "900 escalated 1 HUMAN_TAKEOVER not_acknowledged",
        "1800 escalated 1 HUMAN_TAKEOVER not_acknowledged",
        "2700 escalated 1 HUMAN_TAKEOVER not_acknowledged",
        "3000 decided 1 HUMAN_TAKEOVER",
    ]
    (first, *_) = foresee(question)
    assert first.backup is True


def test_what_is_automatic_tells_nobody() -> None:
    assert foresee(replace(SOFT, level=Level.FULL_AUTO)) == []
    assert steps(replace(SOFT, level=Level.NOTIFY_ONLY)) == ["0 told 0 NOTIFY_ONLY"]


def test_each_step_names_the_deadline_of_the_wait_that_follows() -> None:
    phone = Rotation(PHONE, "phone", (ANA,), Handover.DAILY, 0, time(9), "UTC", date(2026, 6, 1))
    policy = EscalationPolicy(
        (
            Tier("on call", (Target(TargetKind.ROTATION, PHONE),), 120),
            Tier("team", (Target(TargetKind.REVIEWERS),)),
        )
    )
    question = replace(HARD, policy=policy, roster=replace(ROSTER, rotations={PHONE: phone}))
    happenings = (after(30, Happens.EXTENDED), after(50, Happens.ASKED))
    found = foresee(replace(question, happenings=happenings))
    assert [(step.kind.value, step.deadline and step.deadline - NOON) for step in found] == [
        ("told", seconds(120)),
        ("extended", seconds(240)),
        ("asked", seconds(650)),
        ("escalated", seconds(1250)),
        ("reminded", seconds(1250)),
        ("reminded", seconds(1250)),
        ("expired", None),
    ]
