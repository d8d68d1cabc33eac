"""Slack as far as the console speaks to it: its Web API, its limits, and what people press."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.peers.http import HTTPPeer, Received, Reply

TOKEN, SIGNING_SECRET = "xoxb-test", "signing-secret"
WORKSPACE, ROOM, BOT, APP = "T0001", "C0001", "B0001", "A0001"
# Of Block Kit: characters of texts, and how many of a thing.
TEXTS = {"header": 150, "section": 3000, "button": 75, "title": 24, "submit": 24, "close": 24}
BLOCKS_OF_A_MESSAGE, BLOCKS_OF_A_FORM, BUTTONS, CONTEXTS = 50, 100, 25, 10
NAME, VALUE, ADDRESS, METADATA = 255, 2000, 3000, 3000
# All texts of a message together. Slack documents none; it refuses from about there.
MESSAGE = 12_000


class SlackError(Exception):
    """What Slack answers with `ok: false`; `detail` as in response_metadata.messages."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class SlackPeer(HTTPPeer):
    """`messages`: what stands in the channels now, by its time stamp; `people`: e-mail -> id.

    `errors` are answered first, one by one; "ratelimited" with 429 and Retry-After.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.whispers: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.people: dict[str, str] = {}
        self.errors: list[str] = []
        self.rooms = {ROOM}
        self.answer = self._answer
        self._methods = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "views.open": self._open_form,
            "users.lookupByEmail": self._look_up,
            "auth.test": self._who_am_i,
        }

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    def expect_call(self, method: str, **times: int) -> None:
        self.expect(lambda one: one.path == f"/api/{method}", method, **times)

    def _answer(self, received: Received) -> Reply:
        if self.errors:
            error = self.errors.pop(0)
            if error == "ratelimited":
                return Reply(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": "30"})
            return _reply({"ok": False, "error": error})
        try:
            return _reply({"ok": True} | self._call(received))
        except SlackError as error:
            said = {"messages": [f"[ERROR] {error.detail}"]} if error.detail else {}
            return _reply({"ok": False, "error": error.code, "response_metadata": said})

    def _call(self, received: Received) -> dict[str, Any]:
        method = self._methods.get(received.path.removeprefix("/api/"))
        authorization = received.headers.get("authorization", "")
        if method is None:
            raise SlackError("unknown_method")
        if authorization != f"Bearer {TOKEN}":
            raise SlackError("invalid_auth" if authorization else "not_authed")
        return method(_arguments(received))

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._check_message(arguments)
        ts = f"{1_700_000_000 + len(self.messages)}.000100"
        self.messages[ts] = arguments
        return {"channel": arguments["channel"], "ts": ts, "message": _as_posted(arguments, ts)}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._check_message(arguments)
        ts = arguments["ts"]
        if ts not in self.messages:
            raise SlackError("message_not_found")
        self.messages[ts] = arguments
        return {"channel": arguments["channel"], "ts": ts, "text": arguments["text"]}

    def _whisper(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._check_message(arguments)
        self.whispers.append(arguments)
        return {"message_ts": "1.1"}

    def _check_message(self, arguments: dict[str, Any]) -> None:
        if arguments.get("channel") not in self.rooms:
            raise SlackError("channel_not_found")
        if not arguments.get("text") and not arguments.get("blocks"):
            raise SlackError("no_text")
        check_blocks(arguments.get("blocks", []), BLOCKS_OF_A_MESSAGE)

    def _open_form(self, arguments: dict[str, Any]) -> dict[str, Any]:
        view = arguments["view"]
        if not arguments.get("trigger_id"):
            raise SlackError("invalid_trigger_id")
        for name in ("title", "submit", "close"):
            if name in view:
                _check_length(view[name]["text"], TEXTS[name], f"view/{name}/text")
        _check_length(view["callback_id"], NAME, "view/callback_id")
        _check_length(view.get("private_metadata", "-"), METADATA, "view/private_metadata")
        check_blocks(view["blocks"], BLOCKS_OF_A_FORM)
        self.views.append(arguments)
        return {"view": view | {"id": f"V{len(self.views)}", "team_id": WORKSPACE, "app_id": APP}}

    def _look_up(self, arguments: dict[str, Any]) -> dict[str, Any]:
        email = arguments["email"]
        if email not in self.people:
            raise SlackError("users_not_found")
        return {"user": {"id": self.people[email], "team_id": WORKSPACE, "deleted": False,
                         "profile": {"email": email}}}  # fmt: skip

    def _who_am_i(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"url": "https://test.slack.com/", "team": "Test", "team_id": WORKSPACE,
                "user": "console", "user_id": "UBOT", "bot_id": BOT,
                "is_enterprise_install": False}  # fmt: skip

    def buttons(self, ts: str) -> dict[str, dict[str, Any]]:
        """The buttons of a message as it stands, by action."""
        blocks = self.messages[ts]["blocks"]
        found = [b for block in blocks if block["type"] == "actions" for b in block["elements"]]
        return {button["action_id"]: button for button in found}


def _as_posted(arguments: dict[str, Any], ts: str) -> dict[str, Any]:
    said = {name: arguments[name] for name in ("text", "blocks", "metadata") if name in arguments}
    return {"type": "message", "ts": ts, "bot_id": BOT, "app_id": APP, "team": WORKSPACE} | said


def _reply(body: dict[str, Any]) -> Reply:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Reply(body=json.dumps(body).encode(), headers=headers)


def _arguments(received: Received) -> dict[str, Any]:
    if received.headers.get("content-type", "").startswith("application/json"):
        return dict(received.json)
    form = {name: values[0] for name, values in parse_qs(received.body.decode()).items()}
    for name in ("blocks", "view", "metadata"):
        if name in form:
            form[name] = json.loads(form[name])
    return form


def check_blocks(blocks: list[dict[str, Any]], most: int) -> None:
    """Raises SlackError for what Slack would refuse."""
    if len(blocks) > most:
        raise SlackError("invalid_blocks", f"no more than {most} items allowed [/blocks]")
    for number, block in enumerate(blocks):
        _check_block(block, f"blocks/{number}")
    _check_once([block["block_id"] for block in blocks if "block_id" in block], "block_id")
    _check_once([e["action_id"] for e in _elements(blocks) if "action_id" in e], "action_id")
    if sum(map(len, _texts(blocks))) > MESSAGE:
        raise SlackError("msg_blocks_too_long")


def _check_block(block: dict[str, Any], place: str) -> None:
    kind = block["type"]
    if kind in ("header", "section"):
        _check_length(block["text"]["text"], TEXTS[kind], f"{place}/text/text")
    elif kind in ("actions", "context"):
        most = BUTTONS if kind == "actions" else CONTEXTS
        if not 0 < len(block["elements"]) <= most:
            raise SlackError("invalid_blocks", f"1 to {most} items allowed [{place}/elements]")
    elif kind not in ("input", "divider"):
        raise SlackError("invalid_blocks", f"unsupported type: {kind} [{place}/type]")
    if kind == "header" and block["text"]["type"] != "plain_text":
        raise SlackError("invalid_blocks", f"must be plain_text [{place}/text/type]")
    for element in _elements([block]):
        if element["type"] == "button":
            _check_button(element, place)


def _check_button(button: dict[str, Any], place: str) -> None:
    _check_length(button["text"]["text"], TEXTS["button"], f"{place}/text/text")
    _check_length(button["action_id"], NAME, f"{place}/action_id")
    for name, most in (("value", VALUE), ("url", ADDRESS)):
        if name in button:
            _check_length(button[name], most, f"{place}/{name}")


def _check_length(text: str, most: int, place: str) -> None:
    if not text:
        raise SlackError("invalid_blocks", f"must be more than 0 characters [{place}]")
    if len(text) > most:
        raise SlackError("invalid_blocks", f"must be less than {most + 1} characters [{place}]")


def _check_once(names: list[str], what: str) -> None:
    for name in names:
        _check_length(name, NAME, what)
    if len(set(names)) < len(names):
        raise SlackError("invalid_blocks", f"{what} is there twice")


def _elements(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        yield from block.get("elements", [])
        yield from (block[name] for name in ("accessory", "element") if name in block)


def _texts(value: Any) -> Iterator[str]:
    """Every text of a tree of blocks."""
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name == "text" and isinstance(one, str):
                yield one
            else:
                yield from _texts(one)


def signed(
    payload: dict[str, Any], *, at: float | None = None, secret: str = SIGNING_SECRET
) -> tuple[bytes, dict[str, str]]:
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
    """The payload of a pressed button of a message."""
    action = {
        "type": "button",
        "action_id": button["action_id"],
        "block_id": "b1",
        "text": button["text"],
        "value": button.get("value", ""),
        "action_ts": action_ts,
    }
    room = {"id": ROOM, "name": "approvals"}
    return _interaction("block_actions", user, workspace) | {
        "container": {"type": "message", "message_ts": "1.1", "channel_id": ROOM,
                      "is_ephemeral": False},
        "channel": room,
        "message": {"type": "message", "ts": "1.1", "bot_id": BOT, "text": ""},
        "response_url": f"https://hooks.slack.com/actions/{workspace}/1/x",
        "state": {"values": {}},
        "actions": [action],
    }  # fmt: skip


def submit_form(view: dict[str, Any], user: str, reason: str) -> dict[str, Any]:
    """The payload of a form, opened by views.open with these arguments, that was sent."""
    shown = view["view"]
    values = {
        block["block_id"]: {
            block["element"]["action_id"]: {"type": block["element"]["type"], "value": reason}
        }
        for block in shown["blocks"]
    }
    return _interaction("view_submission", user, WORKSPACE) | {
        "view": shown | {"id": "V1", "team_id": WORKSPACE, "state": {"values": values}},
        "response_urls": [],
    }


def _interaction(kind: str, user: str, workspace: str) -> dict[str, Any]:
    return {
        "type": kind,
        "team": {"id": workspace, "domain": "test"},
        "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": workspace},
        "api_app_id": APP,
        "token": "deprecated",
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "enterprise": None,
        "is_enterprise_install": False,
    }
