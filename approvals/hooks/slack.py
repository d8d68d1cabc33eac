"""Slack's interactive endpoint: what people press in Slack goes through the one door.

Slack signs what it sends, with the secret of the channel's app. Who pressed is a workspace and a
user there; only an account that is linked to them acts, with its own rights. The console's own
errors are told to the person who pressed, and never look like a decision.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from approvals.models import ApprovalRequest, ChannelIdentity, NotificationChannel, Transport
from approvals.notifications.channels.slack import APPROVE, OPEN_CONSOLE, REJECT, client_for, escape
from approvals.notifications.secrets import open_secrets
from approvals.services.decide import MAX_NOTES, decide_request
from approvals.vocabulary import Channel, Verdict
from hitlconsole.accounts.models import User
from hitlconsole.lib.problems import Problem
from hitlconsole.lib.secretbox import CannotOpen
from hitlconsole.lib.strictjson import StrictJSONError, loads

logger = logging.getLogger(__name__)

# Slack waits three seconds for an answer.
ANSWER_SECONDS = 2
MAX_BODY = 262_144
REASON = "reason"
NOT_LINKED = (
    "Your Slack account is not linked to an account of the console. An admin can link it on the"
    " page of this channel."
)


class Malformed(ValueError):
    """Signed by Slack, but not what one of our messages sends."""


# What reading such a payload may raise.
UNREADABLE = (Malformed, KeyError, TypeError, IndexError, ValueError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or a form, with who used it and on what."""

    channel: NotificationChannel
    client: WebClient
    user: User | None
    slack_user: str
    payload: Mapping[str, Any]

    def tell(self, text: str) -> None:
        """Only the person sees it. That it cannot be told does not undo what was done."""
        place = self.payload.get("channel") or {}
        where = str(place.get("id") or self.channel.config["channel"])
        try:
            self.client.chat_postEphemeral(
                channel=where, user=self.slack_user, text=escape(text[:3000])
            )
        except (SlackApiError, OSError, HTTPException) as error:
            logger.warning("Slack did not take an answer to %s: %s", self.slack_user, error)


@csrf_exempt
@require_POST
def interact(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    channel = NotificationChannel.objects.filter(
        pk=channel_id, kind=Transport.SLACK, enabled=True
    ).first()
    if channel is None:
        return _plain(404, "There is no such channel.")
    secrets = _secrets_of(channel)
    if not _is_signed(request, str(secrets.get("signing_secret", ""))):
        return _plain(401, "The signature is missing, wrong or too old.")
    try:
        payload = _payload(request)
        if payload["team"]["id"] != channel.config["workspace"]:
            return _plain(403, "This is another workspace.")
        return _act(channel, secrets, payload)
    except UNREADABLE as error:
        logger.warning("an unreadable payload from Slack: %r", error)
        return _plain(400, "The payload is not what our messages send.")


def _secrets_of(channel: NotificationChannel) -> dict[str, Any]:
    """Nothing where they cannot be opened: then nobody is let in."""
    try:
        return open_secrets(channel.secrets)
    except CannotOpen as error:
        logger.error("the secrets of channel %s cannot be opened: %s", channel.pk, error)
        return {}


def _is_signed(request: HttpRequest, secret: str) -> bool:
    """What cannot be checked (a time that is none, a body that is no text) is not signed."""
    if not secret.strip() or len(request.body) > MAX_BODY:
        return False
    headers = {name: request.headers.get(name, "") for name in request.headers}
    try:
        return bool(SignatureVerifier(secret).is_valid_request(request.body, headers))
    except (ValueError, TypeError, OverflowError):
        return False


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def _payload(request: HttpRequest) -> dict[str, Any]:
    try:
        payload = loads(request.POST.get("payload", "").encode())
    except StrictJSONError as error:
        raise Malformed(str(error)) from error
    if not isinstance(payload, dict):
        raise Malformed("the payload is no object")
    return payload


def _act(
    channel: NotificationChannel, secrets: Mapping[str, Any], payload: dict[str, Any]
) -> HttpResponse:
    slack_user = str(payload["user"]["id"])
    home = payload["user"].get("team_id", channel.config["workspace"])
    client = client_for(str(secrets["bot_token"]))
    client.timeout = ANSWER_SECONDS
    user = _linked(channel, slack_user) if home == channel.config["workspace"] else None
    pressed = Pressed(channel, client, user, slack_user, payload)
    if payload["type"] == "view_submission":
        return _rejected(pressed)
    if payload["type"] == "block_actions":
        return _pressed(pressed, payload["actions"][0])
    raise Malformed(f"unknown type {payload['type']!r}")


def _linked(channel: NotificationChannel, slack_user: str) -> User | None:
    identity = (
        ChannelIdentity.objects.select_related("user")
        .filter(
            kind=Transport.SLACK,
            workspace=channel.config["workspace"],
            external_id=slack_user,
            user__is_active=True,
        )
        .first()
    )
    return identity.user if identity else None


def _pressed(pressed: Pressed, action: Mapping[str, Any]) -> HttpResponse:
    name = action["action_id"]
    if name == OPEN_CONSOLE:
        return HttpResponse()
    if pressed.user is None:
        pressed.tell(NOT_LINKED)
        return HttpResponse()
    value = json.loads(action["value"])
    if name == REJECT:
        return _ask_for_reason(pressed, value)
    if name != APPROVE:
        raise Malformed(f"unknown button {name!r}")
    problem = _decide(pressed, value, Verdict.APPROVE, "", str(action.get("action_ts", "")))
    if problem is not None:
        pressed.tell(_in_words(problem))
    return HttpResponse()


def _ask_for_reason(pressed: Pressed, value: Mapping[str, Any]) -> HttpResponse:
    text = {"type": "plain_text", "text": "The agent gets this reason", "emoji": False}
    element = {
        "type": "plain_text_input",
        "action_id": REASON,
        "multiline": True,
        "max_length": 3000,
    }
    view = {
        "type": "modal",
        "callback_id": REJECT,
        "title": {"type": "plain_text", "text": "Reject", "emoji": False},
        "submit": {"type": "plain_text", "text": "Reject", "emoji": False},
        "private_metadata": json.dumps(value),
        "blocks": [{"type": "input", "block_id": REASON, "label": text, "element": element}],
    }
    try:
        pressed.client.views_open(trigger_id=str(pressed.payload["trigger_id"]), view=view)
    except (SlackApiError, OSError, HTTPException) as error:
        logger.warning("Slack did not open a form: %s", error)
        pressed.tell("The form could not be opened. Nothing was decided; use the console.")
    return HttpResponse()


def _rejected(pressed: Pressed) -> HttpResponse:
    view = pressed.payload["view"]
    if view["callback_id"] != REJECT:
        raise Malformed(f"unknown form {view['callback_id']!r}")
    if pressed.user is None:
        return _form_error(NOT_LINKED)
    reason = str(view["state"]["values"][REASON][REASON]["value"] or "").strip()
    if not reason or len(reason) > MAX_NOTES:
        return _form_error(f"Say why, in at most {MAX_NOTES} characters.")
    value = json.loads(view["private_metadata"])
    problem = _decide(pressed, value, Verdict.REJECT, reason, str(view.get("id", "")))
    return HttpResponse() if problem is None else _form_error(_in_words(problem))


def _form_error(text: str) -> HttpResponse:
    return JsonResponse({"response_action": "errors", "errors": {REASON: text}})


def _decide(
    pressed: Pressed, value: Mapping[str, Any], verdict: Verdict, notes: str, press: str
) -> Problem | None:
    """None where it was decided. The same press, delivered twice, decides once."""
    assert pressed.user is not None  # whoever is not linked was told so
    request_id, revision = UUID(str(value["request"])), int(value["revision"])
    if not _serves(pressed.channel, request_id):
        return Problem("not_found", "There is no such request, or it belongs to another team.")
    once = hashlib.sha256(f"{request_id}:{pressed.slack_user}:{verdict}:{press}".encode())
    try:
        decide_request(
            request_id=request_id,
            reviewer=pressed.user,
            verdict=verdict,
            revision=revision,
            channel=Channel.SLACK,
            notes=notes,
            token=once.hexdigest(),
        )
    except Problem as problem:
        return problem
    return None


def _serves(channel: NotificationChannel, request_id: UUID) -> bool:
    """Who administers a team's channel knows its secret, and could sign whatever they like: so it
    decides about this team alone.
    """
    if channel.team_id is None:
        return True
    return ApprovalRequest.objects.filter(pk=request_id, team=channel.team_id).exists()


def _in_words(problem: Problem) -> str:
    return f"{problem.title}. {problem.detail or ''}".strip()
