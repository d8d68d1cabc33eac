"""Comments: who may, on what, and that nothing but the comment is written."""

import pytest

from approvals.models import ApprovalRequest, Message
from approvals.services.claims import MAX_COMMENT, comment_on_request
from audit.models import AuditEvent
from hitlconsole.accounts.models import Agent, Role, Team, User
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload, trail
from tests.factories import HARD, make_admin, make_reviewer, make_team, submit


def comment(request: ApprovalRequest, who: User, text: str = "I asked the carrier") -> Message:
    return comment_on_request(request_id=request.id, reviewer=who, text=text)


def refusal(request: ApprovalRequest, who: User, text: str = "Hm") -> tuple[str, str]:
    before = AuditEvent.objects.count()
    with pytest.raises(Problem) as caught:
        comment(request, who, text)
    assert (Message.objects.count(), AuditEvent.objects.count()) == (0, before)
    return caught.value.code, caught.value.detail


def test_a_comment_is_on_record_and_changes_nothing_else(key: str, ana: User) -> None:
    request = submit(key, facts=HARD)
    before = ApprovalRequest.objects.filter(pk=request.pk).values().get()
    message = comment(request, ana, "  I asked the carrier\n")
    assert (message.kind, message.person, message.text) == ("comment", ana, "I asked the carrier")
    assert trail(request) == ["requested", "commented"]
    assert ApprovalRequest.objects.filter(pk=request.pk).values().get() == before


def test_reviewers_and_admins_may(key: str, ana: User, team: Team) -> None:
    request = submit(key, facts=HARD)
    own_admin = make_reviewer(team, "lea@example.com", Role.ADMIN)
    for who in (ana, own_admin, make_admin()):
        assert comment(request, who).person == who


def test_those_who_only_read_may_not(
    key: str, team: Team, agent_and_key: tuple[Agent, str]
) -> None:
    request = submit(key, facts=HARD)
    compliance = make_reviewer(team, "cora@example.com", Role.COMPLIANCE)
    owner = make_reviewer(make_team("Others"), "olga@example.com", Role.ADMIN)
    Agent.objects.filter(pk=agent_and_key[0].pk).update(owner=owner)
    words = f"Only the reviewers and admins of {team.name} comment on this."
    assert [refusal(request, who) for who in (compliance, owner)] == [("not_allowed", words)] * 2


def test_a_stranger_finds_nothing(key: str) -> None:
    stranger = make_reviewer(make_team("Others"))
    assert refusal(submit(key, facts=HARD), stranger)[0] == "not_found"


def test_who_was_switched_off_since_may_not(key: str, ana: User) -> None:
    request = submit(key, facts=HARD)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert refusal(request, ana)[0] == "not_allowed"


def test_a_closed_request_takes_none(key: str, ana: User) -> None:
    request = submit(key, facts=HARD)
    decide(request, ana, "reject")
    assert refusal(request, ana) == ("already_closed", "The request is rejected.")


def test_what_is_due_is_done_first(key: str, ana: User, advance_clock) -> None:
    request = submit(key)
    advance_clock(seconds=301)
    comment(request, ana)
    assert reload(request).status == "escalated"
    assert trail(request)[-1] == "commented"


@pytest.mark.parametrize("text", ["", " \n", "x" * (MAX_COMMENT + 1), "a\x00b"])
def test_what_is_no_comment(key: str, ana: User, text: str) -> None:
    assert refusal(submit(key, facts=HARD), ana, text)[0] == "invalid_request"
