"""What messages say, in plain text. What an agent wrote is shown with its hidden characters."""

from dataclasses import dataclass

from django.conf import settings

from approvals.closing import closing_words
from approvals.console.words import SILENCE_WORDS
from approvals.models import ApprovalRequest
from approvals.notifications.audience import Kind
from approvals.notifications.channels.base import News, Outgoing
from approvals.representation import on_deadline
from autonomy.vocabulary import Level
from hitlconsole.ui.formats import money, remaining
from hitlconsole.ui.untrusted import visible_text

KIND_WORDS: dict[Kind, str] = {
    Kind.WAITING: "waits for a decision",
    Kind.NOTIFY: "was approved by the policy",
    Kind.REMINDER: "still waits for a decision",
    Kind.ESCALATED: "was escalated",
    Kind.ANSWERED: "has its answer and waits for a decision",
    Kind.EXPIRED: "expired: nobody decided",
    Kind.CLOSED: "was closed",
    Kind.ASKED: "was asked about",
    Kind.TAKEOVER: "is stopped: a person has to carry on",
    Kind.TAKEOVER_REMINDER: "is still stopped, and nobody has said that they have it",
    Kind.TAKEOVER_ESCALATED: "is stopped, and nobody has acknowledged it in time",
    Kind.RELEASED: "was released",
}
# A line of a list and a subject have room for that much; the message itself shows all of it.
SHORT = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of news: what happened to what, the facts about it, and where to look."""

    title: str
    what: str
    facts: tuple[str, ...]
    url: str
    request: ApprovalRequest | None


def line_of(news: News, message: Outgoing) -> Line:
    if news.request is not None:
        return _about_request(news, news.request, message)
    assert news.takeover is not None  # news are about a request or a takeover
    agent = visible_text(news.takeover.agent.name)
    facts = (f"Stopped because: {visible_text(news.takeover.reason)}",)
    url = f"{settings.BASE_URL}/agents/{news.takeover.agent_id}/"
    return Line(agent, KIND_WORDS[news.kind], facts, url, None)


def _about_request(news: News, request: ApprovalRequest, message: Outgoing) -> Line:
    ended = closing_words(request)
    what = ended or KIND_WORDS[news.kind]
    facts = [
        f"Level: {request.level} {Level(request.level).name}",
        f"Agent: {visible_text(request.agent.name)}",
        f"Action: {visible_text(request.action_type)}",
    ]
    if request.cost_usd is not None:
        facts.append(f"Cost: {money(request.cost_usd)}")
    facts += [f"Why: {reason}" for reason in reasons(request)]
    if request.deadline is not None:
        meaning = on_deadline(request)
        facts.append(f"Time left: {remaining(request.deadline, message.now)}")
        facts += [SILENCE_WORDS[meaning]] if meaning else []
    url = f"{settings.BASE_URL}/requests/{request.id}/"
    return Line(visible_text(request.description), what, tuple(facts), url, request)


def reasons(request: ApprovalRequest) -> list[str]:
    """What was binding for the level."""
    return [visible_text(c["reason"]) for c in request.evaluation.trace if c["binding"]]


def subject(message: Outgoing) -> str:
    """One line, without line breaks."""
    if not message.news:
        return one_line(message.note)
    first = line_of(message.news[0], message)
    if len(message.news) > 1:
        return f"{len(message.news)} × {first.what}"
    level = "" if first.request is None else f"[{Level(first.request.level).name}] "
    return one_line(f"{level}{first.title} {first.what}", 2 * SHORT)


def one_line(text: str, longest: int = SHORT) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def as_text(message: Outgoing) -> str:
    """The whole message; of several, a line and a link each."""
    lines = [line_of(news, message) for news in message.news]
    if not lines:
        return message.note
    if len(lines) == 1:
        (line,) = lines
        return "\n".join([f"{line.title} {line.what}.", "", *line.facts, "", line.url])
    return "\n\n".join(f"{one_line(line.title)} {line.what}\n{line.url}" for line in lines)
