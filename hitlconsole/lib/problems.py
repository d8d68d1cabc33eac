"""One error shape: application/problem+json (RFC 9457) with stable codes from one catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse

from hitlconsole.lib.jsonout import dumps

CONTENT_TYPE = "application/problem+json"

# code -> (HTTP status, title). The codes are part of the API: they never change their meaning.
CATALOGUE: dict[str, tuple[int, str]] = {
    "malformed_json": (400, "The body is not valid JSON"),
    "invalid_header": (400, "A header has an invalid value"),
    "missing_key": (401, "No API key was given"),
    "invalid_key": (401, "The API key is not known"),
    "key_expired": (401, "The API key has expired"),
    "key_revoked": (401, "The API key was revoked"),
    "wrong_scope": (403, "The API key does not have the scope this call needs"),
    "agent_disabled": (403, "The agent is disabled"),
    "not_allowed": (403, "This person may not do that"),
    "not_found": (404, "Nothing is here under this address"),
    "method_not_allowed": (405, "This address does not take that method"),
    "idempotency_conflict": (409, "The idempotency key was used with another body"),
    "already_closed": (409, "The request is closed"),
    "stale_revision": (409, "The request has changed since it was read"),
    "waiting_for_answer": (409, "The request waits for the agent's answer"),
    "not_waiting": (409, "The request does not wait for this"),
    "decision_held": (409, "A decision about the request is about to count"),
    "not_held": (409, "There is no held decision to undo"),
    "evidence_not_opened": (409, "The evidence has to be opened first"),
    "sign_in_too_old": (403, "This needs a recent sign-in"),
    "claimed_by_other": (409, "Somebody else works on the request"),
    "console_only": (403, "This is approved in the console only"),
    "no_tier_left": (409, "There is no further tier to escalate to"),
    "already_executed": (409, "The execution was already claimed"),
    "approval_lapsed": (409, "The approval was not used in time"),
    "approval_revoked": (409, "The approval was revoked"),
    "not_approved": (409, "The request is not approved"),
    "not_executed": (409, "There is no execution to report on"),
    "outcome_conflict": (409, "Another outcome was already reported"),
    "takeover_conflict": (409, "The takeover is not in a state that allows this"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body must be application/json"),
    "invalid_request": (422, "The request has invalid fields"),
    "duplicate_key": (422, "A JSON object has the same key twice"),
    "too_deep": (422, "The JSON is nested too deeply"),
    "number_out_of_range": (422, "A number cannot be represented exactly"),
    "invalid_text": (422, "A text holds characters that cannot be stored"),
    "agent_read_only": (423, "The agent is read-only"),
    "internal_error": (500, "The console failed; nothing was stored"),
    "unavailable": (503, "The console cannot answer now"),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where it stands (keys and indexes) and what would be right."""

    loc: tuple[str | int, ...]
    msg: str


@dataclass(eq=False)
class Problem(Exception):
    """Raised by services, answered at one place per door; `extra` holds further members."""

    code: str
    detail: str = ""
    errors: Sequence[FieldError] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return CATALOGUE[self.code][0]

    @property
    def title(self) -> str:
        return CATALOGUE[self.code][1]

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"/api/v1/problems#{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "code": self.code,
        }
        if self.errors:
            body["errors"] = [{"loc": list(e.loc), "msg": e.msg} for e in self.errors]
        return body | self.extra

    def response(self) -> HttpResponse:
        return HttpResponse(dumps(self.body()), status=self.status, content_type=CONTENT_TYPE)


def invalid_field(loc: str | tuple[str | int, ...], msg: str) -> Problem:
    """A 422 about one field."""
    path = (loc,) if isinstance(loc, str) else loc
    return Problem("invalid_request", msg, errors=(FieldError(path, msg),))
