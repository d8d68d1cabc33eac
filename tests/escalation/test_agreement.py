"""What is foreseen is what then happens to a real request, by a clock that is moved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.core.mail import EmailMessage

from approvals.escalation.policy import (
    DEFAULT_ESCALATION,
    EscalationPolicy,
    QuietHours,
    Target,
    TargetKind,
    Tier,
)
from approvals.escalation.preview import Happening, Happens, Question, Step, StepKind, foresee
from approvals.models import (
    Absence,
    ApprovalRequest,
    Delivery,
    Notice,
    Notification,
    OnCallRotation,
)
from approvals.notifications import outbox
from approvals.notifications.outbox import run_outbox
from approvals.services.claims import extend_deadline
from approvals.services.deadlines import sweep_due
from approvals.services.escalations import save_escalation
from approvals.services.exchange import post_message
from approvals.services.roster import load_roster
from approvals.vocabulary import OPEN, Handover
from audit.events import SYSTEM
from autonomy.services import move_profile
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Agent, Role, Team, User
from hitlconsole.lib.clock import database_now
from tests.approvals.helpers import decide, keep_console_up, reload
from tests.factories import (
    AUTO,
    HARD,
    SOFT,
    make_admin,
    make_agent,
    make_reviewer,
    make_team,
    submit,
)
from tests.notifications.conftest import make_channel

Advance = Callable[..., None]
HOUR = timedelta(hours=1)
FACTS = {Level.SOFT_APPROVAL: SOFT, Level.HARD_APPROVAL: HARD}
KINDS = {
    Notification.Kind.WAITING: StepKind.TOLD,
    Notification.Kind.NOTIFY: StepKind.TOLD,
    Notification.Kind.REMINDER: StepKind.REMINDED,
    Notification.Kind.ESCALATED: StepKind.ESCALATED,
    Notification.Kind.ASKED: StepKind.ASKED,
    Notification.Kind.ANSWERED: StepKind.ANSWERED,
    Notification.Kind.EXPIRED: StepKind.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class House:
    """A team of two reviewers, one of whom is on call at a time, and an admin."""

    team: Team
    agent: Agent
    key: str
    people: dict[str, User]
    phone: OnCallRotation

    def name(self, who: UUID) -> str:
        return next(name for name, user in self.people.items() if user.pk == who)

    def tier(self, *kinds: TargetKind, seconds: int) -> Tier:
        ids = {TargetKind.ROTATION: self.phone.pk}
        return Tier(kinds[0].value, tuple(Target(kind, ids.get(kind)) for kind in kinds), seconds)

    def go_by(self, policy: EscalationPolicy) -> None:
        save_escalation(self.team, policy.to_json(), revision=0, by=self.people["root"])

    def away(self, *names: str, instead: str | None = None) -> None:
        now = database_now()
        for name in names:
            Absence.objects.create(
                user=self.people[name],
                substitute=instead and self.people[instead],
                starts_at=now - timedelta(days=1),
                ends_at=now + timedelta(days=9),
            )


@pytest.fixture
def house(db: None, monkeypatch: pytest.MonkeyPatch) -> House:
    """Handovers are a few minutes ahead of the request, and mails arrive."""
    monkeypatch.setattr(outbox, "THREADS", 1)
    make_channel("email")
    team, root = make_team(), make_admin()
    people = {"root": root, "lead": make_reviewer(team, "lead@example.com", Role.ADMIN)}
    people |= {name: make_reviewer(team, f"{name}@example.com") for name in ("ana", "bo")}
    handover = (database_now() + timedelta(minutes=7)).replace(second=0, microsecond=0)
    phone = OnCallRotation.objects.create(
        team=team,
        name="Phone",
        people=[people["ana"].pk, people["bo"].pk],
        handover=Handover.DAILY,
        at=handover.time(),
        timezone="UTC",
        starts_on=(handover - timedelta(days=9)).date(),
    )
    agent, key = make_agent(team, "billing-bot")
    return House(team, agent, key, people, phone)


@dataclass(frozen=True, slots=True)
class Line:
    """A step in the words of both. `wait`: seconds from the start of the wait to its deadline."""

    kind: StepKind
    tier: int
    level: Level
    told: tuple[str, ...]
    wait: float | None = None


@dataclass
class Life:
    """A request, and what became of it so far."""

    house: House
    request: ApprovalRequest
    lines: list[Line] = field(default_factory=list)
    seen: set[UUID] = field(default_factory=set)

    def note(self, extended: bool = False) -> None:
        """What people were told since, or else what was done without telling anybody."""
        run_outbox()
        request = self.request = reload(self.request)
        wait = None
        if request.deadline is not None and request.waiting_since is not None:
            wait = (request.deadline - request.waiting_since).total_seconds()
        news = [n for n in Notification.objects.order_by("id") if n.pk not in self.seen]
        self.seen |= {one.pk for one in news}
        kinds = [KINDS.get(Notification.Kind(one.kind)) for one in news]
        if extended:
            kinds = [StepKind.EXTENDED]
        told = tuple(sorted(self._names(news)))
        for kind in kinds:
            self.lines.append(Line(kind or self._end(), request.tier, self._level, told, wait))

    @property
    def _level(self) -> Level:
        return Level(self.request.level)

    def _end(self) -> StepKind:
        consented = self.request.resolution == "silent_consent"
        return StepKind.CONSENTED if consented else StepKind.DECIDED

    def _names(self, news: Sequence[Notification]) -> list[str]:
        notices = Notice.objects.filter(notification__in=news)
        return [self.house.name(who) for who in notices.values_list("user_id", flat=True)]


def live(house: House, question: Question, advance: Advance, *, stop: int = 40) -> list[Line]:
    """What the services make of a request to which the question's happenings happen."""
    request = submit(house.key, facts=FACTS[question.level])
    keep_console_up(request)
    life, left = Life(house, request), list(question.happenings)
    life.note()
    while life.request.status in OPEN and len(life.lines) < stop:
        due = [at for at in (life.request.reminder_at, life.request.deadline) if at is not None]
        begin, until = life.request.created_at, min(due)
        happening = left[0] if left else None
        if happening is not None and begin + (happening.at - question.arrival) < until:
            del left[0]
            go_to(begin + (happening.at - question.arrival), advance)
            act(life.request, happening, house)
        else:
            happening = None
            go_to(until, advance)
            assert sweep_due() == 1
        life.note(extended=happening is not None and happening.kind is Happens.EXTENDED)
    return life.lines


def go_to(moment: datetime, advance: Advance) -> None:
    advance(seconds=max(0.0, (moment - database_now()).total_seconds()) + 0.001)


def act(request: ApprovalRequest, happening: Happening, house: House) -> None:
    ana = house.people["ana"]
    match happening.kind:
        case Happens.ASKED:
            decide(request, ana, "ask")
        case Happens.ANSWERED:
            post_message(agent_id=request.agent_id, request_id=request.pk, text="Because.")
        case Happens.EXTENDED:
            extend_deadline(request_id=request.pk, reviewer=ana)
        case Happens.BY_HAND:
            decide(request, ana, "escalate", tier=happening.tier)
        case Happens.DECIDED:
            decide(request, ana, "reject")


def names(house: House, step: Step) -> tuple[str, ...]:
    return tuple(sorted(house.name(one.person) for one in step.told))


def foreseen(house: House, question: Question) -> list[Line]:
    lines: list[Line] = []
    since = question.arrival
    goes_on = (StepKind.REMINDED, StepKind.EXTENDED)
    for step in foresee(question):
        since = since if step.kind in goes_on else step.at
        wait = step.deadline and (step.deadline - since).total_seconds()
        lines.append(Line(step.kind, step.tier, step.level, names(house, step), wait))
    return lines


def question_of(house: House, policy: EscalationPolicy, level: Level) -> Question:
    house.go_by(policy)
    now = database_now()
    return Question(policy, load_roster(now), house.team.pk, now, level)


def after(question: Question, *happenings: tuple[int, Happens, int | None]) -> Question:
    return replace(
        question,
        happenings=[
            Happening(question.arrival + timedelta(seconds=at), kind, tier)
            for at, kind, tier in happenings
        ],
    )


def check(house: House, question: Question, advance: Advance) -> list[Line]:
    expected = foreseen(house, question)
    assert live(house, question, advance) == expected
    return expected


def three(house: House, repeat: int = 0) -> EscalationPolicy:
    return EscalationPolicy(
        (
            house.tier(TargetKind.ROTATION, seconds=1200),
            house.tier(TargetKind.REVIEWERS, seconds=1800),
            house.tier(TargetKind.ADMINS, seconds=2400),
        ),
        repeat=repeat,
    )


def test_tiers_repeat_and_a_handover_on_the_way(house: House, advance_clock: Advance) -> None:
    question = question_of(house, three(house, repeat=1), Level.HARD_APPROVAL)
    lines = check(house, question, advance_clock)
    assert [line.kind for line in lines].count(StepKind.ESCALATED) == 5
    first, second = {"ana": ("ana", "bo"), "bo": ("bo", "ana")}[lines[0].told[0]]
    assert [line.told for line in lines[:3]] == [(first,), (second,), (second,)]
    assert lines[-1].kind is StepKind.EXPIRED


def test_silence_after_notice(house: House, advance_clock: Advance) -> None:
    question = question_of(house, DEFAULT_ESCALATION, Level.SOFT_APPROVAL)
    lines = check(house, question, advance_clock)
    assert lines[-1] == Line(StepKind.CONSENTED, 0, Level.SOFT_APPROVAL, ())


def test_silence_where_only_an_admin_is_there(house: House, advance_clock: Advance) -> None:
    house.away("ana", "bo")
    question = question_of(house, DEFAULT_ESCALATION, Level.SOFT_APPROVAL)
    lines = check(house, question, advance_clock)
    assert [line.told for line in lines] == [("lead",)] * len(lines)
    assert lines[-1].kind is StepKind.EXPIRED


def test_a_substitute(house: House, advance_clock: Advance) -> None:
    house.away("ana", instead="bo")
    question = question_of(house, three(house), Level.HARD_APPROVAL)
    lines = check(house, question, advance_clock)
    assert [line.told for line in lines[:3]] == [("bo",)] * 3


def test_people_and_the_agent_at_work(house: House, advance_clock: Advance) -> None:
    question = after(
        question_of(house, three(house), Level.HARD_APPROVAL),
        (100, Happens.ASKED, None),
        (5000, Happens.ANSWERED, None),
        (5100, Happens.EXTENDED, None),
        (5200, Happens.BY_HAND, 1),
        (5300, Happens.ASKED, None),
        (5400, Happens.ANSWERED, None),
        (6500, Happens.BY_HAND, None),
        (6600, Happens.DECIDED, None),
    )
    lines = check(house, question, advance_clock)
    assert [line.kind.value for line in lines] == [
        "told",
        "asked",
        "answered",
        "extended",
        "escalated",
        "asked",
        "answered",
        "reminded",
        "escalated",
        "decided",
    ]


def this_minute() -> datetime:
    return database_now().replace(second=0, microsecond=0)


def quiet_until(end: datetime) -> QuietHours:
    return QuietHours((end - 2 * HOUR).time(), end.time(), "UTC")


def test_quiet_hours_end_with_whoever_is_on_call_then(
    house: House, advance_clock: Advance, mailoutbox: list[EmailMessage]
) -> None:
    end = this_minute() + HOUR
    policy = replace(three(house), quiet=quiet_until(end))
    held, told = foresee(question_of(house, policy, Level.NOTIFY_ONLY))
    assert (held.kind, held.deadline, told.at) == (StepKind.HELD_BACK, end, end)
    move_profile(
        agent=house.agent,
        action_type="refund.create",
        level=Level.NOTIFY_ONLY,
        reason="it did well",
        by=SYSTEM,
    )
    life = Life(house, submit(house.key, facts=AUTO))
    life.note()
    assert life.lines == [Line(told.kind, 0, Level.NOTIFY_ONLY, names(house, told))]
    assert (Delivery.objects.get().next_attempt_at, mailoutbox) == (told.at, [])
    go_to(told.at, advance_clock)
    assert run_outbox() == 1
    assert [mail.to for mail in mailoutbox] == [[f"{names(house, told)[0]}@example.com"]]


def test_quiet_hours_hold_back_nothing_that_waits(house: House, advance_clock: Advance) -> None:
    policy = replace(three(house), quiet=quiet_until(this_minute() + HOUR))
    question = question_of(house, policy, Level.HARD_APPROVAL)
    check(house, question, advance_clock)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}
