"""Standard Webhooks to agents (callbacks) and to outside systems."""

from datetime import UTC, datetime
from typing import Any

from approvals.models import Transport
from approvals.notifications.audience import CALLBACKS
from approvals.notifications.channels.base import News, Outgoing, Permanent, Receipt, Temporary
from approvals.representation import represent_request, represent_takeover
from hitlconsole.lib import outbound
from hitlconsole.lib.jsonout import dumps
from hitlconsole.lib.webhooks import signed_headers

TRY_AGAIN = frozenset({408, 425, 429})


def send(message: Outgoing) -> Receipt:
    url = message.address or str(message.settings["url"])
    # A receiver compares the time with its own clock.
    now = datetime.now(UTC)
    body = dumps(_body(message, now))
    headers = signed_headers(f"msg_{message.id}", now, body, message.secrets["secrets"])
    headers |= {"Content-Type": "application/json", "User-Agent": "hitl-console"}
    try:
        answer = outbound.post(url, body=body, headers=headers)
    except outbound.Refused as refused:
        raise Permanent(str(refused)) from refused
    except outbound.Unreachable as unreachable:
        raise Temporary(str(unreachable)) from unreachable
    return _judge(answer)


def _judge(answer: outbound.Response) -> Receipt:
    if 200 <= answer.status < 300:
        return Receipt(status=answer.status, response=answer.excerpt)
    detail = f"The receiver answered {answer.status}."
    status, said = answer.status, answer.excerpt
    if status >= 500 or status in TRY_AGAIN:
        raise Temporary(detail, retry_after=answer.retry_after, status=status, response=said)
    raise Permanent(detail, status=status, response=said)


def _body(message: Outgoing, now: datetime) -> dict[str, Any]:
    """`type`, `timestamp` and `data`; an agent hears of what is its own, under its own names."""
    if not message.news:
        return {"type": "test", "timestamp": now, "data": {"note": message.note}}
    (news,) = message.news
    kind = str(message.kind)
    if message.transport is Transport.CALLBACK:
        kind = CALLBACKS[message.kind]
    return {"type": kind, "timestamp": now, "data": _data(news)}


def _data(news: News) -> dict[str, Any]:
    if news.request is not None:
        return represent_request(news.request) | {"tier": news.tier}
    assert news.takeover is not None  # news are about a request or a takeover
    return represent_takeover(news.takeover)
