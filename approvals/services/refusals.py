"""Why a verdict on an open request is refused. Reads, never writes."""

from datetime import timedelta

from django.conf import settings

from approvals.access import approval_refusal
from approvals.models import Hold
from approvals.services.evidence import has_opened_evidence
from approvals.services.held import waiting_holds
from approvals.services.locking import Locked
from approvals.services.verdicts import Verdicted, conflict
from approvals.vocabulary import Channel, Status, Verdict
from autonomy.vocabulary import Level
from hitlconsole.lib.problems import Problem, invalid_field

APPROVING = (Verdict.APPROVE, Verdict.APPROVE_WITH_EDITS)
# What moves a request on while its question waits for the agent.
UNANSWERED = (Verdict.ESCALATE, Verdict.TAKE_OVER)
# What ends somebody else's hold.
OVERRULING = (Verdict.REJECT, Verdict.TAKE_OVER)
# Doors that show a message, not the evidence: what needs an explicit decision is not approved here.
MESSAGES = (Channel.SLACK, Channel.EMAIL)
HELD_WORDS = {Verdict.APPROVE: "approving", Verdict.REJECT: "rejecting"}


def refuse_verdict(locked: Locked, given: Verdicted) -> None:
    """What the state and the rights forbid. Raises stale_revision, waiting_for_answer,
    not_allowed, console_only and agent_read_only; conflicts carry the request's present state.
    """
    request = locked.request
    if request.revision != given.revision:
        detail = f"It is at revision {request.revision}, you saw {given.revision}: look again."
        raise conflict("stale_revision", request, detail)
    if request.status == Status.NEEDS_INFO and given.verdict not in UNANSWERED:
        detail = "A question was asked: the agent has to answer first."
        raise conflict("waiting_for_answer", request, detail)
    if given.verdict in APPROVING:
        _refuse_approval(locked, given)


def _refuse_approval(locked: Locked, given: Verdicted) -> None:
    request = locked.request
    reason = approval_refusal(given.reviewer, request)
    if reason is not None:
        raise Problem("not_allowed", reason)
    if given.channel in MESSAGES and request.level >= Level.HARD_APPROVAL:
        detail = "Approve this in the console, where the evidence is; here it can be rejected."
        raise conflict("console_only", request, detail)
    if locked.agent.read_only_since is not None:
        detail = "The agent was taken over: its requests can be rejected, not approved."
        raise conflict("agent_read_only", request, detail)


def refuse_while_held(locked: Locked, given: Verdicted) -> None:
    """Nobody decides in between; a rejection or a take-over by somebody else ends the hold, and
    where several have to approve, each may hold an approval. Raises decision_held.
    """
    for hold in waiting_holds(locked.request):
        mine = hold.reviewer_id == given.reviewer.id
        if not mine and (given.verdict in OVERRULING or _both_approve(locked, hold, given)):
            continue
        raise conflict("decision_held", locked.request, _held_words(locked, hold, mine=mine))


def _both_approve(locked: Locked, hold: Hold, given: Verdicted) -> bool:
    both = Verdict(hold.verdict) is given.verdict is Verdict.APPROVE
    return both and locked.request.quorum > 1


def _held_words(locked: Locked, hold: Hold, *, mine: bool) -> str:
    seconds = max(0, round((hold.counts_at - locked.now).total_seconds()))
    doing = HELD_WORDS[Verdict(hold.verdict)]
    if mine:
        return f"You are {doing} this: undo that first, or wait {seconds} s."
    return f"{hold.reviewer.name} is {doing} this; it counts in {seconds} s."


def refuse_light_approval(locked: Locked, given: Verdicted) -> None:
    """From HARD_APPROVAL on, approving takes a ticked check everywhere, and in the console the
    evidence opened and a recent sign-in. Raises invalid_request, evidence_not_opened and
    sign_in_too_old.
    """
    if given.verdict not in APPROVING or locked.request.level < Level.HARD_APPROVAL:
        return
    if not given.acknowledged:
        message = "Confirm that you looked at the risks: this needs an explicit decision."
        raise invalid_field("acknowledged", message)
    if given.channel is not Channel.WEB:
        return
    if not has_opened_evidence(locked.request, given.reviewer):
        detail = "Open the evidence before you approve this."
        raise conflict("evidence_not_opened", locked.request, detail)
    if not _signed_in_recently(locked, given):
        detail = "You signed in long ago: sign in again before you approve this."
        raise conflict("sign_in_too_old", locked.request, detail)


def _signed_in_recently(locked: Locked, given: Verdicted) -> bool:
    limit = timedelta(seconds=settings.SIGN_IN_SECONDS)
    return given.signed_in_at is not None and locked.now - given.signed_in_at <= limit
