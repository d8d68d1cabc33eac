"""One table owns every transition of a request. Pure.

The database carries the same table in its guard; a test shows that they agree.
"""

from enum import StrEnum

from approvals.vocabulary import OPEN, Status


class Event(StrEnum):
    """What can happen to a request's status."""

    SUBMIT_AUTOMATIC = "submit_automatic"
    SUBMIT_WAITING = "submit_waiting"
    SUBMIT_TAKEOVER = "submit_takeover"
    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"
    ANSWER = "answer"
    ANSWER_AFTER_ESCALATION = "answer_after_escalation"
    ESCALATE = "escalate"
    CONSENT = "consent"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    TAKE_OVER = "take_over"


class IllegalTransition(ValueError):
    """The table has no such step."""


FIRST: dict[Event, Status] = {
    Event.SUBMIT_AUTOMATIC: Status.APPROVED,
    Event.SUBMIT_WAITING: Status.PENDING,
    Event.SUBMIT_TAKEOVER: Status.TAKEN_OVER,
}

TRANSITIONS: dict[tuple[Status, Event], Status] = {
    (Status.PENDING, Event.APPROVE): Status.APPROVED,
    (Status.ESCALATED, Event.APPROVE): Status.APPROVED,
    (Status.PENDING, Event.REJECT): Status.REJECTED,
    (Status.ESCALATED, Event.REJECT): Status.REJECTED,
    (Status.PENDING, Event.ASK): Status.NEEDS_INFO,
    (Status.ESCALATED, Event.ASK): Status.NEEDS_INFO,
    (Status.NEEDS_INFO, Event.ANSWER): Status.PENDING,
    (Status.NEEDS_INFO, Event.ANSWER_AFTER_ESCALATION): Status.ESCALATED,
    (Status.PENDING, Event.CONSENT): Status.APPROVED,
    # Where a team has one tier alone, nothing is left to escalate to.
    (Status.PENDING, Event.EXPIRE): Status.EXPIRED,
    (Status.ESCALATED, Event.EXPIRE): Status.EXPIRED,
    **{(status, Event.ESCALATE): Status.ESCALATED for status in OPEN},
    **{(status, Event.WITHDRAW): Status.CANCELLED for status in OPEN},
    **{(status, Event.TAKE_OVER): Status.TAKEN_OVER for status in OPEN},
}


def transition(status: Status, event: Event) -> Status:
    """The status after the event; raises IllegalTransition where the table has none."""
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise IllegalTransition(f"a request that is {status} cannot {event}") from None


def status_pairs() -> set[tuple[Status, Status]]:
    """Every change of status that some event makes: what the database's guard admits."""
    return {(before, after) for (before, _), after in TRANSITIONS.items()}
