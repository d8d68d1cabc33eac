"""A published policy's rules at every door: submission, dry run, edit, the policy's page."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import ApprovalRequest
from audit.models import AuditEvent
from autonomy.models import PolicyVersion
from autonomy.policy.document import PolicyDocument
from autonomy.services import publish_policy
from hitlconsole.accounts.models import Team, User
from hitlconsole.accounts.services import person
from hitlconsole.lib.problems import Problem
from tests.approvals.helpers import decide, reload
from tests.console.html import read
from tests.factories import (
    AUTO,
    SOFT,
    make_action_type,
    make_admin,
    make_agent,
    make_reviewer,
    make_team,
    submit,
)

LARGE = "has(action.arguments.n) && action.arguments.n > 100"
BODY: dict[str, Any] = {
    "action": {"type": "refund.create", "arguments": {"n": 500}},
    "description": "Refund order 5512",
    "risk": {"reversible": True, "cost_usd": "0"},
    "confidence": {"score": 0.82},
}


def publish(*rules: dict[str, Any], **numbers: Any) -> PolicyVersion:
    admin = make_admin()
    document = PolicyDocument.from_json({"rules": list(rules)} | numbers)
    return publish_policy(document, note="", by=admin, actor=person(admin))


def rule(when: str = "true", level: str = "FULL_AUTO", **fields: Any) -> dict[str, Any]:
    return {"name": "large refund", "when": when, "level": level} | fields


def post(key: str, path: str, body: dict[str, Any]) -> Any:
    return Client().post(
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )


def ask(key: str, **arguments: Any) -> tuple[dict[str, Any], ApprovalRequest]:
    """A submission through the API: the answer, and what was stored."""
    body = BODY | {"action": BODY["action"] | {"arguments": arguments}}
    answer = post(key, "requests", body)
    assert answer.status_code in (201, 202), answer.content
    shown = answer.json()
    return shown, ApprovalRequest.objects.get(pk=shown["id"])


def of_rules(trace: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [contribution for contribution in trace if contribution["source"] == "rules"]


@pytest.fixture
def legal(db: None) -> Team:
    return make_team("Legal")


def test_a_matching_rule_decides_level_team_and_terms(key: str, legal: Team) -> None:
    terms = {"quorum": 2, "soft_seconds": 60, "hard_seconds": 3600}
    publish(rule(LARGE, "HARD_APPROVAL", team=str(legal.pk), **terms))
    shown, request = ask(key, n=500)
    said = {
        "source": "rules",
        "level": "HARD_APPROVAL",
        "reason": "rule “large refund”",
        "binding": True,
    }
    assert (shown["level"], shown["policy_version"], of_rules(shown["trace"])) == (
        "HARD_APPROVAL", 2, [said]
    )  # fmt: skip
    assert (request.team_id, request.quorum, request.soft_seconds, request.hard_seconds) == (
        legal.pk, 2, 60, 3600
    )  # fmt: skip
    assert (request.deadline - request.created_at).total_seconds() == 3600
    assert of_rules(request.evaluation.trace) == [said]
    event = AuditEvent.objects.get(request_id=request.pk, type="requested")
    payload = json.loads(bytes(event.entry))["payload"]
    assert (payload["binding"], payload["quorum"]) == (["rules"], 2)


def test_a_rule_that_does_not_match_changes_nothing(key: str, team: Team, legal: Team) -> None:
    publish(rule(LARGE, "HUMAN_TAKEOVER", team=str(legal.pk), quorum=2, soft_seconds=60))
    shown, request = ask(key, n=100)
    assert (shown["level"], of_rules(shown["trace"])) == ("SOFT_APPROVAL", [])
    assert (request.team_id, request.quorum, request.soft_seconds) == (team.pk, 1, 300)


def test_a_rule_that_fails_raises_and_says_so(key: str, team: Team, legal: Team) -> None:
    publish(rule("action.arguments.amount > 100", team=str(legal.pk), quorum=2, hard_seconds=60))
    shown, request = ask(key, n=1)
    reason = "rule “large refund” could not be evaluated: there is no “amount”"
    assert [(c["level"], c["reason"]) for c in of_rules(shown["trace"])] == [
        ("HARD_APPROVAL", reason)
    ]
    assert (shown["level"], request.team_id, request.quorum, request.hard_seconds) == (
        "HARD_APPROVAL", team.pk, 2, 60
    )  # fmt: skip


def test_a_rule_may_stop_the_agent(key: str) -> None:
    publish(rule(LARGE, "HUMAN_TAKEOVER"))
    shown, request = ask(key, n=500)
    assert (shown["status"], shown["level"]) == ("taken_over", "HUMAN_TAKEOVER")
    assert request.takeover.reason == "rule “large refund”"


@pytest.mark.parametrize(
    ("by_rule", "registered", "seconds"), [(60, 120, 60), (None, 120, 120), (900, 120, 900)]
)
def test_a_rules_time_limit_goes_before_the_action_types(
    key: str, by_rule: int | None, registered: int, seconds: int
) -> None:
    make_action_type("refund.create", soft_seconds=registered)
    publish(rule(soft_seconds=by_rule), soft_seconds=30)
    shown, request = ask(key, n=500)
    assert (shown["level"], request.soft_seconds) == ("SOFT_APPROVAL", seconds)
    assert (request.deadline - request.created_at).total_seconds() == seconds


def test_a_rules_quorum_is_no_less_than_the_action_types(key: str) -> None:
    make_action_type("refund.create", quorum=3)
    publish(rule(quorum=2))
    shown, request = ask(key, n=500)
    assert (shown["level"], request.quorum) == ("HARD_APPROVAL", 3)


def test_two_approvals_by_rule_are_needed_and_silence_never_consents(
    key: str, ana: User, bo: User
) -> None:
    publish(rule(quorum=2))
    shown, request = ask(key, n=500)
    assert (shown["level"], shown["on_deadline"]) == ("HARD_APPROVAL", "escalate")
    assert [c["reason"] for c in of_rules(shown["trace"])] == [
        "rule “large refund”",
        "2 approvals are needed, so silence cannot consent",
    ]
    assert decide(request, ana, "approve").status == "pending"
    assert decide(request, bo, "approve").status == "approved"


def test_the_team_of_a_rule_decides(key: str, ana: User, legal: Team) -> None:
    publish(rule(team=str(legal.pk)))
    request = submit(key, facts=SOFT)
    with pytest.raises(Problem) as refused:
        decide(request, ana, "approve")
    assert refused.value.code == "not_found"
    lawyer = make_reviewer(legal, "cy@example.com")
    assert decide(request, lawyer, "approve").status == "approved"


def test_rules_see_the_agent_and_the_databases_clock(
    agent_and_key: Any, key: str, advance_clock: Any
) -> None:
    agent = agent_and_key[0]
    submitted = submit(key, facts=SOFT)
    later = submitted.created_at.year + 1
    publish(
        rule(
            f"agent.id == '{agent.pk}' && agent.team == '{agent.team_id}'"
            f" && now.getFullYear() >= {later}",
            "HARD_APPROVAL",
        )
    )
    assert submit(key, facts=SOFT).level == 2
    advance_clock(days=366)
    assert submit(key, facts=SOFT).level == 3


def test_a_dry_run_asks_the_rules_too(key: str) -> None:
    publish(rule(LARGE, "HARD_APPROVAL"))
    answer = post(key, "evaluate", BODY).json()
    assert (answer["level"], answer["policy_version"]) == ("HARD_APPROVAL", 2)
    assert [c["reason"] for c in of_rules(answer["trace"])] == ["rule “large refund”"]
    assert ApprovalRequest.objects.count() == 0


def test_rules_cost_a_submission_no_statement(key: str) -> None:
    def statements() -> int:
        submit(key, facts=AUTO)  # the profile is there, the policy's version is known
        with CaptureQueriesContext(connection) as captured:
            submit(key, facts=AUTO)
        return len(captured)

    without = statements()
    publish(rule(LARGE, "HARD_APPROVAL"), rule("agent.id == ''", name="other"))
    assert statements() == without


def test_an_edit_is_judged_by_the_edited_arguments(key: str, ana: User, bo: User) -> None:
    publish(rule(LARGE, "HARD_APPROVAL", quorum=2, hard_seconds=60))
    _, request = ask(key, n=5)
    edited = {"type": "refund.create", "arguments": {"n": 500}}
    proposed = decide(request, ana, "approve_with_edits", edited_action=edited)
    assert (proposed.status, proposed.level, proposed.quorum, proposed.hard_seconds) == (
        "pending", 3, 2, 60
    )  # fmt: skip
    assert [c["reason"] for c in of_rules(reload(proposed).evaluation.trace)] == [
        "rule “large refund”"
    ]
    assert decide(proposed, bo, "approve").status == "pending"


def test_an_edit_out_of_a_rules_reach_lowers_nothing(key: str, ana: User, bo: User) -> None:
    publish(rule(LARGE, "HARD_APPROVAL", quorum=2))
    _, request = ask(key, n=500)
    edited = {"type": "refund.create", "arguments": {"n": 5}}
    proposed = decide(request, ana, "approve_with_edits", edited_action=edited)
    assert (proposed.status, proposed.level, proposed.quorum) == ("pending", 3, 2)
    assert of_rules(reload(proposed).evaluation.trace) == []


def test_a_rule_with_a_team_that_does_not_exist_is_not_published(legal: Team) -> None:
    unknown = str(UUID(int=7))
    with pytest.raises(Problem) as refused:
        publish(rule(team=str(legal.pk)), rule(name="other", team=unknown))
    assert refused.value.code == "invalid_request"
    assert [(error.loc, error.msg) for error in refused.value.errors] == [
        (("rules", 1, "team"), "no team has this id")
    ]
    assert PolicyVersion.objects.count() == 1


def test_the_published_document_is_on_record_with_its_rules(legal: Team) -> None:
    written = rule(LARGE, "HARD_APPROVAL", team=str(legal.pk), quorum=2)
    version = publish(written)
    stored = written | {"soft_seconds": None, "hard_seconds": None}
    assert version.document["rules"] == [stored]
    event = AuditEvent.objects.get(type="policy_published")
    assert json.loads(bytes(event.entry))["payload"]["document"]["rules"] == [stored]


class TestPage:
    @pytest.fixture
    def page(self, ana: User) -> Client:
        client = Client()
        client.force_login(ana)
        return client

    def test_the_rules_can_be_read(self, page: Client, legal: Team) -> None:
        hidden = "action.type == 'a\u202eb' && facts.cost_usd < 5.0"
        publish(
            rule(LARGE, "HARD_APPROVAL", team=str(legal.pk), quorum=2, soft_seconds=90),
            rule(hidden, "NOTIFY_ONLY", name="<b>odd</b>", quorum=1, hard_seconds=7200),
        )
        html = page.get(reverse("console:policy")).content.decode()
        text = read(page.get(reverse("console:policy"))).text
        assert (
            f"large refund {LARGE} decided by Legal · 2 approvals needed"
            " · soft time limit 1 min 30 s Level 3 Hard" in text
        )
        assert (
            "<b>odd</b> action.type == 'a ⟨U+202E⟩ b' && facts.cost_usd < 5.0"
            " 1 approval needed · hard time limit 2 h Level 1 Notify" in text
        )
        assert "<b>odd" not in html
        old = read(page.get(reverse("console:policy-version", args=[1]))).text
        assert "None: the matrix, confidence and autonomy decide alone." in old

    def test_they_can_be_tried(self, page: Client, agent_and_key: Any) -> None:
        agent = agent_and_key[0]
        publish(rule(f"{LARGE} && agent.id == '{agent.pk}'", "HARD_APPROVAL", quorum=2))
        query = {"profile": "0", "reversible": "yes", "cost_usd": "1", "confidence": "0.9"}
        address = reverse("console:policy")
        small = read(page.get(address, query | {"arguments": '{"n": 5}'}))
        assert "It would be Level 0 Full auto" in small.text
        large = query | {"arguments": '{"n": 500}'}
        known = read(page.get(address, large | {"agent": str(agent.pk)}))
        assert "It would be Level 3 Hard approval" in known.text
        assert "rule “large refund” decides" in known.text
        unknown = read(page.get(address, large))
        assert "It would be Level 3 Hard approval" in unknown.text
        assert "rule “large refund” could not be evaluated" in unknown.text

    def test_approvals_that_a_rule_asks_for_count_there_as_well(self, page: Client) -> None:
        publish(rule(quorum=2))
        query = {"profile": "2", "reversible": "yes", "cost_usd": "1", "confidence": "0.9"}
        tried = read(page.get(reverse("console:policy"), query)).text
        assert "It would be Level 3 Hard approval" in tried
        assert "2 approvals are needed, so silence cannot consent" in tried

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [("[1]", "This has to be a JSON object."), ('{"n": }', "not JSON: Expecting value")],
    )
    def test_arguments_that_are_none_are_refused(
        self, page: Client, arguments: str, said: str
    ) -> None:
        query = {"profile": "2", "arguments": arguments}
        text = read(page.get(reverse("console:policy"), query)).text
        assert said in text
        assert "It would be" not in text

    def test_agents_of_other_teams_are_not_offered(self, page: Client, legal: Team) -> None:
        agent, _ = make_agent(legal, "legal-bot")
        page_of_other = read(
            page.get(reverse("console:policy"), {"profile": "2", "agent": agent.pk})
        )
        assert "legal-bot" not in page_of_other.text
        assert "It would be" not in page_of_other.text
