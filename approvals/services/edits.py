"""An edited action is decided again under the policy; the editor may not lower anything."""

import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from approvals.models import ApprovalRequest
from approvals.planning import Registration, Situation, Terms, evaluate_with, terms_of
from approvals.services.intake import refuse_arguments
from approvals.services.locking import Locked
from approvals.submission import action_bytes
from autonomy.models import ActionType
from autonomy.policy.asked import Action
from autonomy.policy.evaluation import Evaluated
from autonomy.policy.facts import Facts
from autonomy.services import (
    current_policy,
    failures_in_window,
    keep_evaluation,
    profile_level,
    registered_facts,
)
from autonomy.vocabulary import Domain, Level, Recommendation
from hitlconsole.lib.canonical import CanonicalError
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import FieldError, Problem, invalid_field


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit makes of the request."""

    action_type: str
    action: bytes
    level_before: Level
    level: Level
    terms: Terms
    evaluated: Evaluated
    closes: bool

    def apply(self, request: ApprovalRequest) -> None:
        """Set the request's action, level and terms; keeps what was proposed first."""
        request.proposed_action = request.proposed_action or request.action
        request.action_type, request.action = self.action_type, self.action
        request.action_sha256 = hashlib.sha256(self.action).digest()
        request.level = self.level
        request.team_id, request.quorum = self.terms.team_id, self.terms.quorum
        request.soft_seconds = self.terms.soft_seconds
        request.hard_seconds = self.terms.hard_seconds
        request.cost_usd = self.evaluated.effective.cost_usd
        policy = self.evaluated.policy
        request.policy_number = policy.number
        request.silent_consent = request.silent_consent and policy.document.silent_consent
        request.approval_ttl_seconds = min(
            request.approval_ttl_seconds, policy.document.approval_ttl_seconds
        )
        request.evaluation = keep_evaluation(
            self.evaluated,
            request_id=request.id,
            agent_id=request.agent_id,
            action_type=self.action_type,
        )


def edited_bytes(edited: dict[str, Any]) -> bytes:
    """The canonical JSON of an edited action. Raises invalid_request."""
    if set(edited) != {"type", "arguments"}:
        raise invalid_field("edited_action", "must have exactly the members type and arguments")
    if not isinstance(edited["type"], str) or not edited["type"]:
        raise invalid_field(("edited_action", "type"), "must be the name of an action type")
    if not isinstance(edited["arguments"], dict):
        raise invalid_field(("edited_action", "arguments"), "must be a JSON object")
    try:
        return action_bytes(edited["type"], edited["arguments"])
    except CanonicalError as error:
        loc = ("edited_action", *error.loc)
        raise Problem("invalid_request", error.msg, errors=(FieldError(loc, error.msg),)) from None


def plan_edit(locked: Locked, edited: dict[str, Any]) -> Edit:
    """Raises invalid_request where it does not fit, or would lead to a takeover."""
    request, action = locked.request, edited_bytes(edited)
    situation = _situation(locked, edited["type"])
    _check_arguments(edited["arguments"], situation.registration)
    proposed = Action(edited["type"], edited["arguments"])
    evaluated = evaluate_with(_stated_facts(request), proposed, situation)
    level_before = Level(request.level)
    level = max(level_before, evaluated.level)
    if level == Level.HUMAN_TAKEOVER:
        raise invalid_field("edited_action", "would need a takeover; take over, or reject it")
    terms = _no_looser(terms_of(situation, evaluated), request)
    asks_for_more = (
        level > level_before or terms.quorum != request.quorum or terms.team_id != request.team_id
    )
    closes = request.quorum == 1 and not asks_for_more
    if not closes:
        # Somebody else has to approve it: silence is nobody.
        level = max(level, Level.HARD_APPROVAL)
    return Edit(edited["type"], action, level_before, level, terms, evaluated, closes)


def preview_edit(request: ApprovalRequest, edited: dict[str, Any]) -> Edit:
    """What the edit would make of the request now; nothing is locked or written.

    Raises as plan_edit does.
    """
    return plan_edit(Locked(request, request.agent, database_now()), edited)


def _no_looser(terms: Terms, request: ApprovalRequest) -> Terms:
    return replace(
        terms,
        quorum=max(terms.quorum, request.quorum),
        soft_seconds=max(terms.soft_seconds, request.soft_seconds),
    )


def _check_arguments(arguments: dict[str, Any], registration: Registration) -> None:
    try:
        refuse_arguments(arguments, registration.schema)
    except Problem as problem:
        errors = [FieldError(("edited_action", *e.loc[1:]), e.msg) for e in problem.errors]
        raise Problem(problem.code, problem.detail, errors=errors) from None


def _situation(locked: Locked, action_type: str) -> Situation:
    policy = current_policy()
    return Situation(
        now=locked.now,
        agent_id=locked.agent.id,
        agent_team_id=locked.agent.team_id,
        profile_level=profile_level(locked.agent.id, action_type),
        failures=failures_in_window(locked.agent, policy, locked.now),
        registration=_registration(action_type),
        policy=policy,
    )


def _registration(action_type: str) -> Registration:
    registered = ActionType.objects.filter(name=action_type).first()
    if registered is None:
        return Registration()
    return Registration(
        facts=registered_facts(registered),
        schema=registered.arguments_schema,
        team_id=registered.team_id,
        soft_seconds=registered.soft_seconds,
        hard_seconds=registered.hard_seconds,
        quorum=registered.quorum,
    )


def _stated_facts(request: ApprovalRequest) -> Facts:
    """What the agent stated when it asked, read back from what was kept."""
    stated = request.evaluation.inputs["facts"]
    return Facts(
        reversible=stated["reversible"],
        domains=frozenset(map(Domain, stated["domains"])),
        cost_usd=stated["cost_usd"] and Decimal(stated["cost_usd"]),
        confidence=stated["confidence"] and Decimal(stated["confidence"]),
        recommendation=stated["recommendation"] and Recommendation(stated["recommendation"]),
        requested_level=stated["requested_level"] and Level[stated["requested_level"]],
    )
