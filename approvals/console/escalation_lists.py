"""What the escalation page lists: steps to come, rotations with their turns, who is away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.escalation.policy import EscalationPolicy
from approvals.escalation.preview import Step, StepKind
from approvals.escalation.rotation import Absence as PureAbsence
from approvals.escalation.rotation import Override, Shift, on_call, shifts
from approvals.models import Absence, NotificationChannel, OnCallRotation, RotationOverride
from approvals.notifications.audience import ChannelFacts, Kind, channels_for
from approvals.notifications.planner import load_channels
from approvals.services.roster import read_rotation
from hitlconsole.accounts.models import Membership, Role, Team, User
from hitlconsole.ui.formats import duration

STEP_WORDS = {
    StepKind.TOLD: "Told",
    StepKind.HELD_BACK: "Held back by quiet hours until",
    StepKind.REMINDED: "Reminded",
    StepKind.ASKED: "Question to the agent",
    StepKind.ANSWERED: "Told that the agent answered",
    StepKind.EXTENDED: "More time",
    StepKind.ESCALATED: "Escalated",
    StepKind.CONSENTED: "Approved by silence",
    StepKind.EXPIRED: "Expired: not approved",
    StepKind.DECIDED: "Decided",
}
# There is nothing left to decide for whoever is told of that.
OVER = (StepKind.EXPIRED, StepKind.CONSENTED, StepKind.DECIDED)
REASON_WORDS = {
    "time_limit": "nobody decided in time",
    "no_notice": "nobody was reached, so silence is no consent",
    "no_silent_consent": "silence is no consent here",
    "objection": "somebody was about to reject it, so silence is no consent",
    "no_answer": "the agent did not answer",
    "by_hand": "by hand",
    "exhausted": "every tier has passed",
    "silence": "nobody objected",
}


@dataclass(frozen=True, slots=True)
class Named:
    key: str
    label: str


@dataclass(frozen=True, slots=True)
class StepView:
    """One line of what would happen; times on the wall clock of the chosen zone."""

    at: datetime
    when: str
    after: str
    what: str
    reason: str
    tier: str
    told: Sequence[str]
    left_out: Sequence[str]
    channels: Sequence[str]
    kind: str


@dataclass(frozen=True, slots=True)
class RotationView:
    row: OnCallRotation
    people: Sequence[str]
    now: str
    until: datetime
    turns: Sequence[tuple[Shift, str]]
    overrides: Sequence[RotationOverride]


def names_for(team: Team) -> list[Named]:
    """Who may decide for the team, now or after an escalation."""
    roles = [Role.REVIEWER, Role.ADMIN]
    members = Membership.objects.filter(team=team, role__in=roles, user__is_active=True)
    people = User.objects.filter(pk__in=members.values("user")).order_by("name")
    return [Named(str(one.pk), one.name) for one in people]


def step_views(
    steps: Sequence[Step], policy: EscalationPolicy, team: Team, zone: str
) -> list[StepView]:
    names = dict(User.objects.values_list("pk", "name"))
    channels = [facts for owner, facts in load_channels() if owner in (None, team.pk)]
    called = dict(NotificationChannel.objects.values_list("pk", "name"))
    begin = steps[0].at if steps else None
    return [
        StepView(
            at=step.at,
            # In words: a template would show the time in the zone of the settings.
            when=f"{step.at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M:%S}",
            after=duration((step.at - begin).total_seconds()) if begin else "",
            what=STEP_WORDS[step.kind],
            reason=REASON_WORDS.get(step.reason, step.reason),
            tier=policy.tier(step.tier).name,
            told=[
                _told(names, one.person, one.because, one.may_decide or step.kind in OVER)
                for one in step.told
            ],
            left_out=[_left_out(names, one.person, one.why) for one in step.left_out],
            channels=_channels(step, policy, channels, called),
            kind=step.kind.value,
        )
        for step in steps
    ]


def _told(names: dict[UUID, str], person: UUID, because: str, may_decide: bool) -> str:
    right = "" if may_decide else "; may not decide yet"
    return f"{names.get(person, 'somebody')} ({because}{right})"


def _left_out(names: dict[UUID, str], person: UUID | None, why: str) -> str:
    return why if person is None else f"{names.get(person, 'somebody')}: {why}"


def _channels(
    step: Step, policy: EscalationPolicy, channels: Sequence[ChannelFacts], names: dict[UUID, str]
) -> list[str]:
    if not step.told:
        return []
    kind = Kind.ESCALATED if step.backup else Kind.WAITING
    used = channels_for(kind, policy, step.tier, channels)
    return ["console", *(names[channel.id] for channel in used)]


def load_rotations(team: Team, begin: datetime, end: datetime) -> list[RotationView]:
    names = dict(User.objects.values_list("pk", "name"))
    absences = [
        PureAbsence(one.user_id, one.starts_at, one.ends_at, one.substitute_id)
        for one in Absence.objects.filter(ends_at__gt=begin).order_by("id")
    ]
    rows = OnCallRotation.objects.filter(team=team).prefetch_related("overrides__user")
    return [_rotation(row, names, absences, begin, end) for row in rows]


def _rotation(
    row: OnCallRotation,
    names: dict[UUID, str],
    absences: Sequence[PureAbsence],
    begin: datetime,
    end: datetime,
) -> RotationView:
    rotation = read_rotation(row)
    # In the order in which they were made: the later one wins.
    ahead = sorted((o for o in row.overrides.all() if o.ends_at > begin), key=lambda o: o.id)
    overrides = [Override(row.id, one.user_id, one.starts_at, one.ends_at) for one in ahead]
    now = on_call(rotation, overrides, absences, begin)
    turns = shifts(rotation, overrides, absences, begin, end)

    def name(person: UUID | None) -> str:
        return "nobody" if person is None else names.get(person, "somebody")

    return RotationView(
        row=row,
        people=[name(person) for person in row.people],
        now=name(now.person),
        until=turns[0].end,
        turns=[(turn, name(turn.person)) for turn in turns],
        overrides=ahead,
    )


def load_absences(team: Team, now: datetime) -> list[Absence]:
    members = Membership.objects.filter(team=team).values("user")
    found = Absence.objects.filter(user__in=members, ends_at__gt=now)
    return list(found.select_related("user", "substitute").order_by("starts_at"))
