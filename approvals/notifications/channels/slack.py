"""Slack, through the official SDK: one message to a Slack channel, changed when the request closes.

Buttons decide at SOFT_APPROVAL; above it, approving needs the console, where the evidence is.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn
from urllib.error import URLError

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from approvals.models import ApprovalRequest
from approvals.notifications.channels.base import Outgoing, Permanent, Receipt, Temporary
from approvals.notifications.text import Line, line_of, one_line, subject
from approvals.vocabulary import OPEN, Status
from autonomy.vocabulary import Level

TIMEOUT_SECONDS = 10
# Limits of Block Kit.
SECTION, HEADER = 3000, 150
# All texts of a message together must stay below some 12,000 characters, which nobody documents.
DESCRIPTION, ROW = 8000, 80
_HALF_ENTITY = re.compile(r"&\w{0,3}$")
CUT = "… (too long for Slack: the rest is in the console)"
TRY_AGAIN = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable",
     "request_timeout", "team_added_to_org"}
)  # fmt: skip
APPROVE, REJECT, OPEN_CONSOLE = "approve", "reject", "open"


def client_for(token: str) -> WebClient:
    # An attempt is one call: whether it is repeated is the outbox's business, and on record.
    return WebClient(
        token=token,
        base_url=settings.SLACK_API_URL,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=[],
    )


def send(message: Outgoing) -> Receipt:
    client = client_for(str(message.secrets["bot_token"]))
    content: dict[str, Any] = {
        "text": escape(subject(message)),
        "blocks": blocks_of(message),
        "metadata": {
            "event_type": "hitl_delivery",
            "event_payload": {"delivery_id": str(message.id)},
        },
        "unfurl_links": False,
        "unfurl_media": False,
    }
    try:
        if message.updates_ref:
            channel, _, ts = message.updates_ref.partition("|")
            answer = client.chat_update(channel=channel, ts=ts, **content)
        else:
            answer = client.chat_postMessage(channel=message.settings["channel"], **content)
    except SlackApiError as error:
        raise_failure(error)
    except (URLError, OSError) as error:
        raise Temporary(f"Slack cannot be reached: {error}") from error
    return Receipt(f"{answer['channel']}|{answer['ts']}", answer.status_code)


def raise_failure(error: SlackApiError) -> NoReturn:
    answer = error.response
    code, status = str(answer.get("error", "")), int(answer.status_code)
    detail = f"Slack answered {code or status}."
    if status == 429 or status >= 500 or code in TRY_AGAIN:
        wait = str(answer.headers.get("Retry-After", ""))
        after = float(wait) if wait.isdigit() else None
        raise Temporary(detail, retry_after=after, status=status) from error
    raise Permanent(detail, status=status) from error


def escape(text: str) -> str:
    """Slack's three control characters: what an agent wrote mentions nobody and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks_of(message: Outgoing) -> list[dict[str, Any]]:
    lines = [line_of(news, message) for news in message.news]
    if not lines:
        return [{"type": "section", "text": _text(escape(message.note))}]
    if len(lines) > 1:
        return _folded(lines, subject(message))
    (line,) = lines
    blocks = [_header(line), *_facts(line)]
    mentions = [f"<@{name}>" for name in message.names.values()]
    if mentions and not message.updates_ref:
        blocks.append({"type": "context", "elements": [_text(" ".join(mentions))]})
    buttons = _buttons(line)
    return [*blocks, *([{"type": "actions", "elements": buttons}] if buttons else [])]


def _header(line: Line) -> dict[str, Any]:
    level = "" if line.request is None else f"{Level(line.request.level).name} · "
    text = one_line(f"{level}{line.what}", HEADER)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _facts(line: Line) -> list[dict[str, Any]]:
    """In as many sections as it takes. A description that does not fit says so."""
    title = escape(line.title)
    if not _fits(line):
        title = _cut(title, DESCRIPTION) + CUT
    text = "\n".join([f"*{title}*", *map(escape, line.facts)])
    return [{"type": "section", "text": _text(part)} for part in _parts([text], "\n")]


def _fits(line: Line) -> bool:
    return len(escape(line.title)) <= DESCRIPTION


def _short(text: str) -> str:
    """For a row of a list; what an agent wrote cannot make the whole message too long."""
    return _cut(escape(one_line(text, ROW)), ROW + 20)


def _cut(escaped: str, longest: int) -> str:
    return _HALF_ENTITY.sub("", escaped[:longest])


def _folded(lines: Iterable[Line], title: str) -> list[dict[str, Any]]:
    rows = [f"• <{line.url}|{_short(line.title)}> {escape(line.what)}" for line in lines]
    heading = {"type": "plain_text", "text": one_line(title, HEADER), "emoji": False}
    sections = [{"type": "section", "text": _text(part)} for part in _parts(rows, "\n")]
    return [{"type": "header", "text": heading}, *sections]


def _parts(rows: Iterable[str], between: str) -> list[str]:
    parts: list[str] = []
    for row in rows:
        for begin in range(0, len(row), SECTION):
            piece = row[begin : begin + SECTION]
            if parts and len(parts[-1]) + len(between) + len(piece) <= SECTION:
                parts[-1] += between + piece
            else:
                parts.append(piece)
    return parts


def _text(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _buttons(line: Line) -> list[dict[str, Any]]:
    request = line.request
    decidable = request is not None and request.status in (Status.PENDING, Status.ESCALATED)
    buttons: list[dict[str, Any]] = []
    if request is not None and decidable:
        # Nobody approves what is not shown to the end.
        if request.level < Level.HARD_APPROVAL and _fits(line):
            buttons.append(_button("Approve", APPROVE, value_of(request), style="primary"))
        buttons.append(_button("Reject …", REJECT, value_of(request), style="danger"))
    if request is None or request.status in OPEN:
        buttons.append(_button("Open in the console", OPEN_CONSOLE, url=line.url))
    return buttons


def _button(label: str, action: str, value: str = "", **more: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": label, "emoji": False}
    button: dict[str, Any] = {"type": "button", "text": text, "action_id": action, **more}
    return button | ({"value": value} if value else {})


def value_of(request: ApprovalRequest) -> str:
    """What a button carries: the request and the revision that was shown."""
    return json.dumps({"request": str(request.id), "revision": request.revision})
