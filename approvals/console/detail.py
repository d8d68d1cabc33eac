"""Everything that the page of one request shows, read for one person."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.access import (
    approval_refusal,
    comment_refusal,
    deciders,
    decision_refusal,
    get_request_for,
)
from approvals.closing import closing_words
from approvals.console.effect import Effect, effect_of
from approvals.console.evidence import load_evidence
from approvals.console.held import held_context
from approvals.console.likeness import load_history
from approvals.console.lineage import load_lineage
from approvals.console.quorum import Quorum, load_quorum, voted_already
from approvals.console.telling import load_notice, load_told
from approvals.console.thread import load_messages, load_thread
from approvals.console.words import SILENCE_SHORT
from approvals.models import ApprovalRequest, Takeover
from approvals.representation import on_deadline
from approvals.services.claims import extension_left
from approvals.services.evidence import has_opened_evidence
from approvals.services.presence import lookers_of
from approvals.services.tiers import escalation_of
from approvals.vocabulary import OPEN, Status, TakeoverStatus
from autonomy.models import ActionType, Outcome
from autonomy.services import policy_version
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import may_administer
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import database_now
from hitlconsole.ui.formats import duration
from hitlconsole.ui.untrusted import visible_text

MOST_RECEIVERS = 200
RELATED = (
    "agent__owner",
    "team",
    "evaluation",
    "claimed_by",
    "closing_decision__reviewer",
    "takeover__started_by",
    "takeover__released_by",
)


@dataclass(frozen=True, slots=True)
class Powers:
    """What this person may do with the request now; each refusal in words."""

    decide: str | None
    approve: str | None
    answer: str | None
    escalate: str | None
    take_over: str | None
    comment: str | None

    @property
    def may_decide(self) -> bool:
        return self.decide is None

    @property
    def may_approve(self) -> bool:
        return self.may_decide and self.approve is None and self.answer is None

    @property
    def may_answer(self) -> bool:
        """Reject or ask."""
        return self.may_decide and self.answer is None

    @property
    def may_escalate(self) -> bool:
        return self.may_decide and self.escalate is None

    @property
    def may_take_over(self) -> bool:
        return self.may_decide and self.take_over is None

    @property
    def may_comment(self) -> bool:
        return self.comment is None


def load_detail(user: User, request_id: UUID) -> ApprovalRequest:
    """Raises not_found where this person may not see it."""
    return get_request_for(user, request_id, related=RELATED)


def detail_context(user: User, request: ApprovalRequest) -> dict[str, Any]:
    now = database_now()
    action = json.loads(bytes(request.action))
    proposed = json.loads(bytes(request.proposed_action)) if request.proposed_action else None
    silence = on_deadline(request)
    quorum = load_quorum(request)
    effect = _effect(request)
    messages = load_messages(request)
    return {
        "request_item": request,
        "now": now,
        "open": request.status in OPEN,
        "action": action,
        "action_json": bytes(request.action).decode(),
        "action_sha256": bytes(request.action_sha256).hex(),
        "proposed": proposed,
        "edits": proposed is not None and proposed != action,
        "lineage": load_lineage(user, request),
        "effect": effect,
        "risk_words": _risk_words(effect, request),
        "silence": silence,
        **_working_on(user, request, now),
        "lookers": lookers_of(request.id, besides=user),
        "silence_short": SILENCE_SHORT[silence] if silence else "",
        "closing": closing_words(request, viewer_id=user.id),
        "powers": load_powers(user, request, quorum),
        "quorum": quorum,
        "thread": load_thread(request, messages),
        "evidence_opened": has_opened_evidence(request, user),
        "evidence": load_evidence(request, messages),
        "history": load_history(user, request),
        "outcome": Outcome.objects.filter(pk=request.id).first(),
        "registered": ActionType.objects.filter(name=request.action_type).first(),
        "may_administer": may_administer(user),
        "takeover": _takeover(request),
        "notice": load_notice(request),
        **held_context(user, request, now),
        **_told(request),
        **_tiers_ahead(request),
    }


def _working_on(user: User, request: ApprovalRequest, now: datetime) -> dict[str, Any]:
    """Who holds it, to whom it can be handed on, and by how much it can be extended."""
    held = request.claimed_until is not None and request.claimed_until > now
    holder = request.claimed_by if held else None
    is_open = request.status in OPEN
    people = deciders(request).exclude(pk__in=[user.id, holder.id if holder else user.id])
    left = extension_left(request) if is_open else 0
    return {
        "holder": holder,
        "held_by_me": holder is not None and holder.id == user.id,
        "receivers": list(people.only("name").order_by("name")[:MOST_RECEIVERS]) if is_open else [],
        "extension_left": left,
        "extend_label": f"{duration(left)} more",
    }


def _told(request: ApprovalRequest) -> dict[str, Any]:
    told = load_told(request)
    return {"told": told, "told_hint": f"{len(told)} message{'' if len(told) == 1 else 's'}"}


def _tiers_ahead(request: ApprovalRequest) -> dict[str, Any]:
    """The steps to which it can be escalated by hand, and who is told at the next one."""
    policy = escalation_of(request.team_id)
    ahead = [
        {"number": number, "label": f"{number} {policy.tier(number).name}"}
        for number in range(request.tier + 1, policy.last_tier + 1)
    ]
    name = policy.tier(request.tier + 1).name
    help_text = f"“{visible_text(name)}” is told next. From then on silence never approves it."
    return {"tiers_ahead": ahead, "escalate_help": help_text}


def _effect(request: ApprovalRequest) -> Effect:
    document = policy_version(request.policy_number).document
    return effect_of(request.evaluation.inputs, document.facts_from, document.confidence_soft_below)


def risk_words(request: ApprovalRequest) -> str:
    """What the check of its approval says, and what the record keeps of it."""
    return _risk_words(_effect(request), request)


def _risk_words(effect: Effect, request: ApprovalRequest) -> str:
    return ", ".join(effect.risks) or f"{Level(request.level).label} asks for a second look"


def _takeover(request: ApprovalRequest) -> Takeover | None:
    """The takeover that this request began or met, or the one that its agent is under now."""
    if request.takeover is not None:
        return request.takeover
    if request.agent.read_only_since is None:
        return None
    return (
        Takeover.objects.select_related("started_by", "released_by")
        .filter(agent=request.agent_id, status=TakeoverStatus.OPEN)
        .first()
    )


def load_powers(user: User, request: ApprovalRequest, quorum: Quorum) -> Powers:
    stopped = request.agent.read_only_since is not None
    approve = approval_refusal(user, request) or voted_already(user, quorum)
    if stopped and approve is None:
        approve = "The agent is stopped: its requests can be rejected, not approved."
    waits = request.status == Status.NEEDS_INFO
    decide = decision_refusal(user, request)
    return Powers(
        decide=decide,
        approve=approve,
        answer="The agent has to answer first." if waits else None,
        escalate="It is at the last tier already." if request.tier >= request.last_tier else None,
        take_over="The agent is stopped already." if stopped else None,
        comment=_no_comment(user, request, decide),
    )


def _no_comment(user: User, request: ApprovalRequest, decide: str | None) -> str | None:
    """Whoever may decide may comment."""
    if request.status not in OPEN:
        return "The request is closed."
    return None if decide is None else comment_refusal(user, request)
