"""A verdict that is held: nothing is decided before it counts, and it counts once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.api.looking import look_at
from approvals.models import ApprovalRequest, Decision, Hold, Notice, Notification
from approvals.services.claims import extend_deadline
from approvals.services.deadlines import run_due_step, sweep_due, sweep_holds
from approvals.services.exchange import post_message, withdraw_request
from approvals.services.holds import undo_hold
from approvals.vocabulary import Channel
from audit.models import AuditEvent
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Agent, Membership, Team, User
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload, trail, watch_queue
from tests.factories import HARD, make_action_type, make_agent, make_reviewer, make_team, submit

pytestmark = pytest.mark.django_db
Advance = Callable[..., None]


class Desk:
    def __init__(self) -> None:
        self.team: Team = make_team("Payments")
        self.agent, self.key = make_agent(self.team)
        self.ana: User = make_reviewer(self.team, "ana@example.com")
        self.ben: User = make_reviewer(self.team, "ben@example.com")

    def hold(
        self, request: ApprovalRequest, who: User, verdict: str = "approve", **fields: Any
    ) -> ApprovalRequest:
        fields.setdefault("token", f"{who.email} {verdict}")
        return decide(request, who, verdict, hold_seconds=5, **fields)


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def state(request: ApprovalRequest) -> tuple[str, str | None, bool]:
    now = reload(request)
    return now.status, now.resolution, now.held_until is not None


def ends(request: ApprovalRequest) -> list[tuple[str, str | None]]:
    return list(
        Hold.objects.filter(request=request)
        .order_by("given_at")
        .values_list("reviewer__name", "end")
    )


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Problem) as caught:
        act()
    return caught.value.code, caught.value.detail


def test_it_is_open_for_everybody_until_it_counts(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key, facts=HARD)
    told = Notification.objects.count()
    held = desk.hold(request, desk.ana, notes="Parcel is lost")
    hold = Hold.objects.get()
    assert hold.counts_at - hold.given_at == timedelta(seconds=5)
    assert (held.status, held.revision, held.held_until) == ("pending", 1, hold.counts_at)
    assert (sweep_holds(), sweep_due()) == (0, 0)
    look = look_at(desk.agent.id, request.id)
    assert (look.closed, look.revision) == (False, 1)
    assert b'"proceed":false' in look.answer.body
    assert not Decision.objects.exists()
    assert Notification.objects.count() == told
    assert trail(request) == ["requested", "held"]

    advance_clock(seconds=6)
    assert sweep_holds() == 1
    assert sweep_holds() == 0
    assert state(request) == ("approved", "human", False)
    decision = Decision.objects.get()
    assert (decision.reviewer, decision.notes, decision.token) == (
        desk.ana,
        "Parcel is lost",
        hold.token,
    )
    assert trail(request) == ["requested", "held", "approved"]
    event = AuditEvent.objects.get(type="approved")
    payload = json.loads(bytes(event.entry))["payload"]
    assert payload["given_at"] == hold.given_at.isoformat()
    assert ends(request) == [("ana", "counted")]


def test_the_agents_look_lets_it_count(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    assert look_at(desk.agent.id, request.id).due_in == pytest.approx(5, abs=1)
    advance_clock(seconds=5)
    look = look_at(desk.agent.id, request.id)
    assert look.closed
    assert b'"proceed":true' in look.answer.body


def test_undone_it_never_was_a_decision(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana, notes="Fine")
    undone = undo_hold(request_id=request.id, reviewer=desk.ana)
    assert (undone.end, undone.notes) == ("undone", "Fine")
    advance_clock(seconds=6)
    assert sweep_holds() == 0
    assert state(request) == ("pending", None, False)
    assert not Decision.objects.exists()
    assert trail(request) == ["requested", "held", "hold_undone"]


def test_the_same_form_again_does_nothing_more(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana, token="one")
    desk.hold(request, desk.ana, token="one")
    assert Hold.objects.count() == 1
    advance_clock(seconds=6)
    sweep_holds()
    desk.hold(request, desk.ana, token="one")
    assert Decision.objects.count() == 1


def test_the_same_form_after_its_undoing_is_refused(desk: Desk) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana, token="one")
    undo_hold(request_id=request.id, reviewer=desk.ana)
    code, detail = refusal(lambda: desk.hold(request, desk.ana, token="one"))
    assert code == "not_held"
    assert "undone" in detail
    assert state(request) == ("pending", None, False)
    assert desk.hold(request, desk.ana, token="two").held_until is not None


def test_what_counts_already_is_not_undone(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    advance_clock(seconds=6)
    code, _ = refusal(lambda: undo_hold(request_id=request.id, reviewer=desk.ana))
    assert code == "not_held"
    # It was due: whoever looks lets it count, undoing included.
    assert state(request) == ("approved", "human", False)


def test_only_its_author_undoes_it(desk: Desk) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    assert refusal(lambda: undo_hold(request_id=request.id, reviewer=desk.ben))[0] == "not_held"
    assert ends(request) == [("ana", None)]


@pytest.mark.parametrize("verdict", ["approve", "ask", "escalate"])
def test_nobody_decides_in_between(desk: Desk, verdict: str) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    for who, start in ((desk.ben, "ana is approving this"), (desk.ana, "You are approving this")):
        code, detail = refusal(lambda who=who: decide(request, who, verdict))
        assert (code, detail[: len(start)]) == ("decision_held", start)
    assert state(request) == ("pending", None, True)


@pytest.mark.parametrize(
    ("verdict", "status"), [("reject", "rejected"), ("take_over", "taken_over")]
)
def test_somebody_else_may_stop_it(desk: Desk, verdict: str, status: str) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    decide(request, desk.ben, verdict)
    assert state(request)[::2] == (status, False)
    assert ends(request) == [("ana", "cancelled")]
    assert trail(request)[-1] == "hold_cancelled"
    assert Decision.objects.get().reviewer == desk.ben


def test_a_held_rejection_ends_a_held_approval_at_once(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    desk.hold(request, desk.ben, "reject")
    assert ends(request) == [("ana", "cancelled"), ("ben", None)]
    assert Hold.objects.get(end="cancelled").end_reason == "ben rejects it"
    advance_clock(seconds=6)
    sweep_holds()
    assert state(request) == ("rejected", "human", False)


def test_a_new_revision_cancels_it(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    post_message(agent_id=desk.agent.id, request_id=request.id, text="One more thing")
    assert ends(request) == [("ana", "cancelled")]
    advance_clock(seconds=6)
    assert sweep_holds() == 0
    assert state(request) == ("pending", None, False)


def test_a_withdrawal_and_more_time_cancel_it(desk: Desk) -> None:
    gone, longer = submit(desk.key), submit(desk.key)
    desk.hold(gone, desk.ana)
    desk.hold(longer, desk.ana)
    withdraw_request(agent_id=desk.agent.id, request_id=gone.id)
    extend_deadline(request_id=longer.id, reviewer=desk.ben)
    assert ends(gone) == ends(longer) == [("ana", "cancelled")]
    reason = Hold.objects.get(request=gone).end_reason
    assert reason == "Withdrawn by the agent"


def test_a_takeover_of_the_agent_cancels_what_is_held_elsewhere(desk: Desk) -> None:
    held, other = submit(desk.key), submit(desk.key)
    desk.hold(held, desk.ana)
    decide(other, desk.ben, "take_over")
    assert ends(held) == [("ana", "cancelled")]
    assert state(held) == ("pending", None, False)


def test_rights_are_looked_at_again(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    Membership.objects.filter(user=desk.ana).delete()
    advance_clock(seconds=6)
    sweep_holds()
    assert state(request) == ("pending", None, False)
    assert ends(request) == [("ana", "cancelled")]
    assert "reviewers of Payments" in Hold.objects.get().end_reason


def test_separation_of_duties_is_looked_at_again(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana)
    Agent.objects.filter(pk=desk.agent.pk).update(owner=desk.ana)
    advance_clock(seconds=6)
    sweep_holds()
    assert (state(request)[0], ends(request)) == ("pending", [("ana", "cancelled")])


def test_it_counts_before_a_deadline_that_passed_with_it(
    desk: Desk, advance_clock: Advance
) -> None:
    """The scheduler was away for longer than the request waits."""
    request = submit(desk.key, facts=HARD)
    desk.hold(request, desk.ana)
    advance_clock(days=2)
    assert sweep_due() == 0
    assert run_due_step(request.id, channel=Channel.SWEEP)
    assert state(request) == ("approved", "human", False)


def test_it_is_never_held_up_to_the_deadline(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    deadline = request.deadline
    assert deadline is not None
    advance_clock(seconds=(deadline - request.created_at).total_seconds() - 59)
    desk.hold(request, desk.ana)
    assert state(request) == ("approved", "human", False)
    assert not Hold.objects.exists()


@pytest.mark.parametrize("channel", [Channel.API, Channel.SLACK, Channel.EMAIL])
def test_other_doors_hold_nothing(desk: Desk, channel: Channel) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana, channel=channel)
    assert state(request) == ("approved", "human", False)


def test_a_longer_hold_than_allowed_is_cut(desk: Desk) -> None:
    request = submit(desk.key)
    decide(request, desk.ana, "approve", hold_seconds=600, token="one")
    hold = Hold.objects.get()
    assert hold.counts_at - hold.given_at == timedelta(seconds=30)


def test_each_of_several_approvals_may_be_held(desk: Desk, advance_clock: Advance) -> None:
    make_action_type("refund.create", quorum=2)
    request = submit(desk.key)
    assert request.level == Level.HARD_APPROVAL
    desk.hold(request, desk.ana)
    advance_clock(seconds=2)
    desk.hold(request, desk.ben)
    advance_clock(seconds=3)
    assert sweep_holds() == 1
    assert state(request) == ("pending", None, True)
    assert ends(request) == [("ana", "counted"), ("ben", None)]
    advance_clock(seconds=3)
    assert sweep_holds() == 1
    assert state(request) == ("approved", "human", False)
    assert trail(request) == ["requested", "held", "held", "voted", "approved"]


def test_one_that_is_not_needed_any_more_is_cancelled(desk: Desk, advance_clock: Advance) -> None:
    make_action_type("refund.create", quorum=2)
    cleo = make_reviewer(desk.team, "cleo@example.com")
    request = submit(desk.key)
    for who in (desk.ana, desk.ben, cleo):
        desk.hold(request, who)
    advance_clock(seconds=6)
    sweep_holds()
    assert state(request) == ("approved", "human", False)
    assert ends(request) == [("ana", "counted"), ("ben", "counted"), ("cleo", "cancelled")]


def test_a_token_is_a_word(desk: Desk) -> None:
    request = submit(desk.key)
    code, _ = refusal(lambda: desk.hold(request, desk.ana, token="a\x00"))
    assert (code, Hold.objects.count()) == ("invalid_request", 0)


def test_another_verdict_of_the_same_form_is_no_repeat(desk: Desk, advance_clock: Advance) -> None:
    request = submit(desk.key)
    desk.hold(request, desk.ana, token="one")
    assert (
        refusal(lambda: desk.hold(request, desk.ana, "reject", token="one"))[0] == "decision_held"
    )
    advance_clock(seconds=6)
    for _ in range(2):
        again = refusal(lambda: desk.hold(request, desk.ana, "reject", token="one"))
        assert again[0] == "already_closed"
    assert trail(request)[:4] == ["requested", "held", "approved", "late_answer"]
    effects = Decision.objects.values_list("verdict", "effect").order_by("at")[:2]
    assert list(effects) == [("approve", "closed"), ("reject", "late")]


def test_its_author_is_told_if_it_still_waits_and_is_in_sight(
    desk: Desk, advance_clock: Advance
) -> None:
    moved, gone, hidden = submit(desk.key), submit(desk.key), submit(desk.key)
    for request in (moved, gone, hidden):
        desk.hold(request, desk.ana)
    post_message(agent_id=desk.agent.id, request_id=moved.id, text="One more thing")
    decide(gone, desk.ben, "reject")
    Membership.objects.filter(user=desk.ana).delete()
    advance_clock(seconds=6)
    sweep_holds()
    assert ends(hidden) == [("ana", "cancelled")]
    told = Notice.objects.values_list("user__name", "notification__request")
    assert list(told) == [("ana", moved.id)]


def test_the_sweep_looks_into_an_index(desk: Desk) -> None:
    with CaptureQueriesContext(connection) as asked:
        sweep_holds()
    (query,) = [one["sql"] for one in asked if "held_until" in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {query}")
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert "Index Scan using request_held" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("verdict", "after"),
    [("reject", ("escalated", "objection")), ("approve", ("approved", "silence"))],
)
def test_silence_does_not_consent_to_what_somebody_was_about_to_reject(
    desk: Desk, advance_clock: Advance, verdict: str, after: tuple[str, str]
) -> None:
    """They said no, the agent added something, and they did not look again."""
    request = submit(desk.key)
    watch_queue(desk.ana, request, first=0, last=290)
    desk.hold(request, desk.ana, verdict)
    post_message(agent_id=desk.agent.id, request_id=request.id, text="One more thing")
    assert ends(request) == [("ana", "cancelled")]
    advance_clock(seconds=301)
    sweep_due()
    now = reload(request)
    assert (now.status, now.reason) == after
