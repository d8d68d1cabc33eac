"""What was said about a request, in order: messages, and what people decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import ApprovalRequest, Decision, Message
from approvals.vocabulary import Verdict

VERDICT_WORDS: dict[str, str] = {
    Verdict.APPROVE: "approved",
    Verdict.APPROVE_WITH_EDITS: "approved with edits",
    Verdict.REJECT: "rejected",
    Verdict.ASK: "asked",
    Verdict.ESCALATE: "escalated",
    Verdict.TAKE_OVER: "took over",
}
EFFECT_WORDS: dict[str, str] = {
    Decision.Effect.VOTE: "one of several approvals",
    Decision.Effect.PROPOSAL: "a new proposal: somebody else decides it",
    Decision.Effect.LATE: "too late, without effect",
}
MESSAGE_WORDS: dict[str, str] = {
    Message.Kind.QUESTION: "asked",
    Message.Kind.ANSWER: "answered",
    Message.Kind.EVIDENCE: "added evidence",
    Message.Kind.COMMENT: "commented, among people",
}


@dataclass(frozen=True, slots=True)
class ThreadItem:
    """`by_agent` marks what is an agent's claim."""

    at: datetime
    who: str
    what: str
    text: str
    by_agent: bool = False
    data: Any = None
    note: str = ""


def load_messages(request: ApprovalRequest) -> Sequence[Message]:
    return list(Message.objects.filter(request=request).select_related("person").order_by("at"))


def load_thread(request: ApprovalRequest, messages: Sequence[Message]) -> Sequence[ThreadItem]:
    # A question stands among the messages already.
    decisions = Decision.objects.filter(request=request).exclude(verdict=Verdict.ASK)
    items = [_message(message, request) for message in messages]
    items += [_decision(decision) for decision in decisions.select_related("reviewer")]
    return sorted(items, key=lambda item: item.at)


def _message(message: Message, request: ApprovalRequest) -> ThreadItem:
    person = message.person
    return ThreadItem(
        at=message.at,
        who=person.name if person else request.agent.name,
        what=MESSAGE_WORDS[message.kind],
        text=message.text,
        by_agent=person is None,
        data=message.data,
    )


def _decision(decision: Decision) -> ThreadItem:
    return ThreadItem(
        at=decision.at,
        who=decision.reviewer.name,
        what=VERDICT_WORDS[decision.verdict],
        text=decision.notes,
        note=EFFECT_WORDS.get(decision.effect, ""),
    )
