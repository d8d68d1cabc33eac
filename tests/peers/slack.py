"""Slack as far as the console speaks to it: its Web API, its limits, and what people press."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.peers.http import HTTPPeer, Received, Reply

TOKEN, SIGNING_SECRET = "xoxb-test", "signing-secret"
WORKSPACE, ROOM = "T0001", "C0001"
METHODS = {
    "chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "users.lookupByEmail",
    "auth.test",
}  # fmt: skip


class SlackPeer(HTTPPeer):
    """`messages`: what stands in the channel now, by its time stamp."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.whispers: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.people: dict[str, str] = {}
        self.errors: list[str] = []
        self.answer = self._answer

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    def expect_call(self, method: str, **times: int) -> None:
        self.expect(lambda one: one.path == f"/api/{method}", method, **times)

    def _answer(self, received: Received) -> Reply:
        method = received.path.removeprefix("/api/")
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return _reply({"ok": False, "error": "invalid_auth"})
        if self.errors:
            error = self.errors.pop(0)
            if error == "ratelimited":
                return Reply(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": "30"})
            return _reply({"ok": False, "error": error})
        if method not in METHODS:
            return _reply({"ok": False, "error": "unknown_method"})
        arguments = _arguments(received)
        flaw = block_flaw(arguments.get("blocks") or arguments.get("view", {}).get("blocks") or [])
        if flaw:
            return _reply({"ok": False, "error": "invalid_blocks", "detail": flaw})
        return _reply({"ok": True} | getattr(self, "_" + method.replace(".", "_"))(arguments))

    def _chat_postMessage(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        ts = f"{1_700_000_000 + len(self.messages)}.000100"
        self.messages[ts] = arguments
        return {"channel": arguments["channel"], "ts": ts, "message": {"text": arguments["text"]}}

    def _chat_update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.messages[arguments["ts"]] = arguments
        return {"channel": arguments["channel"], "ts": arguments["ts"]}

    def _chat_postEphemeral(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.whispers.append(arguments)
        return {"message_ts": "1.1"}

    def _views_open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.views.append(arguments)
        return {"view": {"id": "V1"}}

    def _users_lookupByEmail(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"user": {"id": self.people[arguments["email"]]}}

    def _auth_test(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"team_id": WORKSPACE, "team": "Test", "user_id": "UBOT"}

    def buttons(self, ts: str) -> dict[str, dict[str, Any]]:
        """The buttons of a message as it stands, by action."""
        blocks = self.messages[ts]["blocks"]
        found = [b for block in blocks if block["type"] == "actions" for b in block["elements"]]
        return {button["action_id"]: button for button in found}


def _reply(body: dict[str, Any]) -> Reply:
    return Reply(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def _arguments(received: Received) -> dict[str, Any]:
    if received.headers.get("content-type", "").startswith("application/json"):
        return dict(received.json)
    form = {name: values[0] for name, values in parse_qs(received.body.decode()).items()}
    for name in ("blocks", "view", "metadata"):
        if name in form:
            form[name] = json.loads(form[name])
    return form


def block_flaw(blocks: list[dict[str, Any]]) -> str:
    """What Slack would refuse about a message's blocks."""
    if len(blocks) > 50:
        return "more than 50 blocks"
    for block in blocks:
        text = block.get("text", {}).get("text", "x")
        limit = 150 if block["type"] == "header" else 3000
        if not 0 < len(text) <= limit:
            return f"a {block['type']} with {len(text)} characters"
        for element in block.get("elements", []):
            if element["type"] == "button" and (
                len(element["text"]["text"]) > 75 or len(element.get("value", "")) > 2000
            ):
                return "a button is too long"
    actions = [e["action_id"] for b in blocks if b["type"] == "actions" for e in b["elements"]]
    return "an action_id twice" if len(actions) != len(set(actions)) else ""


def signed(
    payload: dict[str, Any], *, at: float | None = None, secret: str = SIGNING_SECRET
) -> Any:
    """(body, headers) as Slack posts them."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    timestamp = str(int(time.time() if at is None else at))
    base = f"v0:{timestamp}:".encode() + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    return body, headers


def press(
    button: dict[str, Any], user: str, *, workspace: str = WORKSPACE, action_ts: str = "1.1"
) -> dict[str, Any]:
    action = {
        "type": "button",
        "action_id": button["action_id"],
        "block_id": "b1",
        "value": button.get("value", ""),
        "action_ts": action_ts,
    }
    return {
        "type": "block_actions",
        "team": {"id": workspace, "domain": "test"},
        "user": {"id": user, "username": "somebody"},
        "channel": {"id": ROOM, "name": "approvals"},
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "actions": [action],
    }


def submit_form(view: dict[str, Any], user: str, reason: str) -> dict[str, Any]:
    shown = view["view"]
    return {
        "type": "view_submission",
        "team": {"id": WORKSPACE, "domain": "test"},
        "user": {"id": user},
        "view": {
            "id": "V1",
            "callback_id": shown["callback_id"],
            "private_metadata": shown["private_metadata"],
            "state": {"values": {"reason": {"reason": {"type": "x", "value": reason}}}},
        },
    }
