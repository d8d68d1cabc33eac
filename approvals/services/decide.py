"""The one door through which people decide: web, API, and whatever channel comes next.

Locks the row, reads the database's clock after it has the lock, checks rights again, applies the
transition, writes decision, event and outgoing messages, and commits. A verdict on a request
that is still open is applied even past its deadline: nobody else has closed it.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.access import as_of_now, decision_refusal, get_request_for
from approvals.models import ApprovalRequest, Decision, Hold
from approvals.representation import load_request, represent_request
from approvals.services.deadlines import due_step, run_due_step
from approvals.services.edits import edited_bytes
from approvals.services.holds import hold_verdict, release_due_holds, seconds_held
from approvals.services.locking import Locked, lock_request
from approvals.services.refusals import (
    refuse_light_approval,
    refuse_verdict,
    refuse_while_held,
)
from approvals.services.verdicts import APPLY, Verdicted, conflict, keep, record_verdict
from approvals.vocabulary import OPEN, Channel, Resolution, Verdict
from audit.events import EventType
from hitlconsole.accounts.models import User
from hitlconsole.lib.problems import Problem, invalid_field

MAX_NOTES = 4000
NOTES_FOR = {
    Verdict.REJECT: "Say why: the agent gets this reason.",
    Verdict.ASK: "Write the question that the agent should answer.",
    Verdict.ESCALATE: "Say why somebody else should decide.",
    Verdict.TAKE_OVER: "Say why the agent has to stop.",
}


def decide_request(
    *,
    request_id: UUID,
    reviewer: User,
    verdict: Verdict,
    revision: int,
    channel: Channel,
    notes: str = "",
    edited_action: dict[str, Any] | None = None,
    token: str | None = None,
    key_id: UUID | None = None,
    tier: int | None = None,
    acknowledged: str = "",
    signed_in_at: datetime | None = None,
    hold_seconds: int = 0,
) -> ApprovalRequest:
    """Apply a person's verdict; the request as it stands afterwards.

    `revision` is the one the person saw, `token` makes a form sent twice one decision, `key_id`
    is the key of the outside system that speaks for the person, `tier` the one to escalate to (the
    next one, where none is named). `acknowledged` are the risks that the person says to have
    looked at and `signed_in_at` when they proved who they are: from HARD_APPROVAL on approving
    asks for them. With `hold_seconds` a verdict of the console counts that much later and can be
    undone until then (services.holds); the request comes back open, with `held_until`.

    Raises the problems not_found, not_allowed, invalid_request, already_closed (the verdict is
    kept on record as a late answer), stale_revision, waiting_for_answer, console_only,
    agent_read_only, evidence_not_opened, sign_in_too_old, decision_held, not_held, no_tier_left
    and takeover_conflict; the conflicts carry the request's present state.
    """
    given = Verdicted(
        reviewer=reviewer,
        verdict=verdict,
        revision=revision,
        channel=channel,
        notes=notes.strip(),
        edited_action=edited_action,
        token=token,
        key_id=key_id,
        tier=tier,
        acknowledged=acknowledged.strip(),
        signed_in_at=signed_in_at,
    )
    _check_form(given)
    get_request_for(reviewer, request_id)
    if verdict is Verdict.ASK:
        run_due_step(request_id, channel=channel)
    refusal = _decide(request_id, given, hold_seconds)
    request = load_request(request_id)
    assert request is not None  # requests are kept
    if refusal is not None:
        refusal.extra["request"] = represent_request(request)
        raise refusal
    return request


def _check_form(given: Verdicted) -> None:
    if given.verdict in NOTES_FOR and not given.notes:
        raise invalid_field("notes", NOTES_FOR[given.verdict])
    if len(given.notes) > MAX_NOTES:
        raise invalid_field("notes", f"must have at most {MAX_NOTES} characters")
    if (given.edited_action is not None) != (given.verdict is Verdict.APPROVE_WITH_EDITS):
        raise invalid_field("edited_action", "goes with approve_with_edits, and only with it")
    if given.tier is not None and given.verdict is not Verdict.ESCALATE:
        raise invalid_field("tier", "goes with escalate, and only with it")
    if given.edited_action is not None:
        edited_bytes(given.edited_action)
    if given.token is not None and not given.token.isprintable():
        raise invalid_field("token", "must be the token of a form")


@transaction.atomic
def _decide(request_id: UUID, given: Verdicted, hold_seconds: int) -> Problem | None:
    """None where the verdict was applied (now, or before under the same token).

    A refusal is returned, not raised, so that a late answer is kept.
    """
    locked = lock_request(request_id, agent_alone=given.verdict is Verdict.TAKE_OVER)
    assert locked is not None  # found before, and requests are kept
    release_due_holds(locked)
    if _came_before(locked.request, given):
        return None
    given = replace(given, reviewer=as_of_now(given.reviewer))
    refusal = decision_refusal(given.reviewer, locked.request)
    if refusal is not None:
        raise Problem("not_allowed", refusal)
    if locked.request.status not in OPEN:
        return _keep_late_answer(locked, given)
    refuse_verdict(locked, given)
    refuse_while_held(locked, given)
    refuse_light_approval(locked, given)
    seconds = seconds_held(locked, given, hold_seconds)
    if seconds:
        hold_verdict(locked, given, seconds)
        return None
    APPLY[given.verdict](locked, given)
    # A vote that is not the last one leaves it open, perhaps past its deadline.
    due_step(locked, given.channel)
    return None


def _came_before(request: ApprovalRequest, given: Verdicted) -> bool:
    """Whether this form was sent already. Another verdict under its token comes from the page as it
    was before the first one: that is no repeat, and must not pass for one.

    Raises not_held where it came, was held, and has ended; stale_revision.
    """
    if given.token is None:
        return False
    mine = {"request": request, "reviewer": given.reviewer, "token": given.token}
    decision = Decision.objects.filter(**mine).exclude(effect=Decision.Effect.LATE).first()
    earlier = decision or Hold.objects.filter(**mine).first()
    if earlier is None:
        return False
    same = earlier.verdict == given.verdict
    if not same and request.status not in OPEN:
        return False
    if isinstance(earlier, Hold) and earlier.end is not None:
        detail = "This decision was undone or cancelled: decide anew, from the page as it is now."
        raise conflict("not_held", request, detail)
    if not same and isinstance(earlier, Decision):
        detail = "You gave another verdict from the same page already: look again."
        raise conflict("stale_revision", request, detail)
    return same


def _keep_late_answer(locked: Locked, given: Verdicted) -> Problem:
    """What comes after the close has no effect, and is never dropped."""
    request = locked.request
    earlier = Decision.objects.filter(
        request=request, reviewer=given.reviewer, token=given.token, token__isnull=False
    ).first()
    # A form sent again after it lost is on record already.
    if earlier is None or earlier.verdict != given.verdict:
        given = given if earlier is None else replace(given, token=None)
        keep(locked, given, Decision.Effect.LATE)
        record_verdict(locked, given, EventType.LATE_ANSWER)
    return Problem("already_closed", closed_in_words(request, locked.now))


def closed_in_words(request: ApprovalRequest, now: datetime) -> str:
    """Who or what closed it, and how long ago: "Approved by Ana 12 s ago"."""
    words = request.status.replace("_", " ").capitalize()
    decision = request.closing_decision
    by = {
        Resolution.HUMAN: f" by {decision.reviewer.name}" if decision else "",
        Resolution.AUTOMATIC: " by the policy",
        Resolution.SILENT_CONSENT: " by silent consent",
        Resolution.WITHDRAWN: " by the agent",
        Resolution.TAKEOVER: f" by {decision.reviewer.name}" if decision else " by the policy",
    }.get(Resolution(request.resolution or ""), "")
    seconds = max(0, int((now - (request.closed_at or now)).total_seconds()))
    return f"{words}{by} {seconds} s ago"
