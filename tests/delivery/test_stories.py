"""Escalation from end to end: a scheduler, a worker and a mail server, while days go by."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from approvals.models import ApprovalRequest, OnCallRotation, Takeover
from approvals.services.acknowledgement import acknowledge_takeover
from approvals.services.escalations import save_escalation, save_rotation
from approvals.services.exchange import post_message
from approvals.services.notice import notice_of
from approvals.vocabulary import Handover
from hitlconsole.accounts.models import Role, User
from hitlconsole.lib.clock import database_now
from tests.approvals.helpers import decide, trail
from tests.delivery.conftest import House, Peers
from tests.factories import HARD, TAKEOVER, make_admin, make_agent, make_reviewer, submit
from tests.processes import Console, console, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

Advance = Callable[..., None]
PEOPLE = ("ana@example.com", "ben@example.com")


@pytest.fixture
def running(house: House, peers: Peers, committed_db: str, tmp_path: Path) -> Iterator[Console]:
    house.mail_channel()
    with console(committed_db, tmp_path, **peers.variables) as running:
        running.web()
        running.worker()
        running.beat()
        yield running


def mails(peers: Peers, words: str) -> list[str]:
    """Who got a mail with these words in its subject, in order."""
    found = [mail for mail in peers.smtp.mails if words in str(mail["Subject"])]
    return sorted(str(mail["To"]) for mail in found)


def await_mails(peers: Peers, words: str, *people: User) -> None:
    wanted = sorted(person.email for person in people)
    wait_until(lambda: len(mails(peers, words)) >= len(wanted), f"mails: {words}")
    assert mails(peers, words) == wanted


def go_to(moment: Any, advance_clock: Advance) -> None:
    advance_clock(seconds=max(0.0, (moment - database_now()).total_seconds()))


def reload(request: ApprovalRequest) -> ApprovalRequest:
    return ApprovalRequest.objects.get(pk=request.pk)


def test_a_handover_comes_between_and_then_everybody_stays_silent(
    running: Console, house: House, peers: Peers, advance_clock: Advance
) -> None:
    """Ana's turn ends before the reminder: Ben gets it. Then all, then nobody decided."""
    peers.smtp.expect_only(*PEOPLE * 3, "lead@example.com")
    admin = make_admin()
    lead = make_reviewer(house.team, "lead@example.com", role=Role.ADMIN)
    zone = ZoneInfo("Europe/Berlin")
    soon = (database_now() + timedelta(minutes=4)).astimezone(zone)
    rotation = OnCallRotation(
        team=house.team, name="Phone", people=[house.ben.pk, house.ana.pk],
        handover=Handover.DAILY, at=soon.time().replace(second=0, microsecond=0),
        timezone="Europe/Berlin", starts_on=(soon - timedelta(days=2)).date(),
    )  # fmt: skip
    save_rotation(rotation, by=admin)
    # After two handovers it is the first one's turn again, and so it is on each second day.
    tiers = [
        {"name": "On call", "targets": [{"kind": "rotation", "id": str(rotation.pk)}],
         "seconds": 600},
        {"name": "All", "targets": [{"kind": "reviewers"}], "seconds": 300},
    ]  # fmt: skip
    save_escalation(house.team, {"tiers": tiers}, revision=0, by=admin)
    request = submit(house.key, facts=HARD, description="Refund 1")
    await_mails(peers, "Refund 1 waits", house.ana)
    go_to(request.created_at + timedelta(seconds=305), advance_clock)
    await_mails(peers, "Refund 1 still waits", house.ben)
    go_to(request.created_at + timedelta(seconds=601), advance_clock)
    await_mails(peers, "Refund 1 was escalated", house.ana, house.ben)
    go_to(reload(request).deadline, advance_clock)
    wait_until(lambda: reload(request).status == "expired", "it expired")
    await_mails(peers, "Refund 1 Expired", house.ana, house.ben, lead)
    after = reload(request)
    assert (after.resolution, after.execution) == ("exhausted", None)
    assert trail(request) == ["requested", "timeout", "timeout"]


def test_a_question_stops_the_clock_for_days_and_its_answer_starts_it_anew(
    running: Console, house: House, peers: Peers, advance_clock: Advance
) -> None:
    peers.smtp.expect_only(*PEOPLE * 3)
    request = submit(house.key, description="Refund 2")
    await_mails(peers, "Refund 2 waits", house.ana, house.ben)
    decide(request, house.ana, "ask", notes="Which parcel?")
    advance_clock(hours=20)
    asked = reload(request)
    assert (asked.status, asked.deadline > database_now()) == ("needs_info", True)
    post_message(agent_id=request.agent_id, request_id=request.id, text="The second one")
    answered = reload(request)
    assert (answered.deadline - answered.waiting_since).total_seconds() == 300
    await_mails(peers, "Refund 2 has its answer", house.ana, house.ben)
    # The first notice is of another wait: silence rests on the one after the answer.
    wait_until(lambda: _notice_of(request) is not None, "the answer was told on record")
    go_to(answered.deadline - timedelta(seconds=10), advance_clock)
    await_mails(peers, "Refund 2 still waits", house.ana, house.ben)
    running.web()
    go_to(answered.deadline, advance_clock)
    wait_until(lambda: reload(request).status == "approved", "silence consented")
    evidence = reload(request).notice
    assert evidence is not None
    assert evidence["at"] >= answered.waiting_since.isoformat()[:19]
    assert trail(request) == ["requested", "asked", "answered", "timeout"]


def _notice_of(request: ApprovalRequest) -> Any:
    return notice_of(reload(request))


def test_a_stopped_agent_is_told_of_again_and_again_until_somebody_has_it(
    running: Console, house: House, peers: Peers, advance_clock: Advance
) -> None:
    peers.smtp.expect_only(*PEOPLE * 4, *["lead@example.com"] * 2)
    lead = make_reviewer(house.team, "lead@example.com", role=Role.ADMIN)
    submit(house.key, facts=TAKEOVER)
    await_mails(peers, "is stopped: a person has to carry on", house.ana, house.ben)
    for told in (1, 2):
        takeover = Takeover.objects.get()
        go_to(takeover.acknowledge_by, advance_clock)
        everybody = (house.ana, house.ben, lead) * told
        await_mails(peers, "nobody has acknowledged it in time", *everybody)
    takeover = acknowledge_takeover(takeover_id=takeover.id, reviewer=house.ana)
    assert (takeover.tier, takeover.acknowledged_by) == (1, house.ana)
    before = len(peers.smtp.mails)
    advance_clock(days=2)
    # A request of another agent goes out after that: what was due before it has been looked at.
    other = submit(make_agent(house.team)[1], facts=HARD, description="Later")
    await_mails(peers, "Later waits", house.ana, house.ben)
    assert len(peers.smtp.mails) == before + 2
    assert reload(other).status == "pending"
