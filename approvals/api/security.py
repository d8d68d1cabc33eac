"""Keys at the Django door."""

from uuid import UUID

from django.http import HttpRequest
from ninja.security import HttpBearer

from approvals.api.callers import bearer_secret, identify, own_agent
from hitlconsole.accounts.keys import Caller
from hitlconsole.accounts.models import Scope


class BearerKey(HttpBearer):
    """Admits keys with the scope: an agent's, or for DECIDE an outside system's.

    `request.auth` is the Caller. Raises the problem that says what is wrong with the key.
    """

    openapi_bearerFormat = "hitl_<prefix>_<secret>"  # noqa: N815 - the name ninja reads
    openapi_description = (
        "An agent's key (scopes submit and execute), or for decisions the key of an outside"
        " system (scope decide). Keys are shown once, when they are made."
    )

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller:
        return self.authenticate(request, bearer_secret(request.headers.get("Authorization")))

    def authenticate(self, _request: HttpRequest, token: str) -> Caller:
        caller = identify(token)
        if self.scope is Scope.DECIDE:
            caller.require(self.scope)
        else:
            own_agent(caller, self.scope)
        return caller


def caller_of(request: HttpRequest) -> Caller:
    caller = getattr(request, "auth", None)
    assert isinstance(caller, Caller)  # the call is declared with a BearerKey
    return caller


def agent_of(request: HttpRequest) -> UUID:
    agent_id = caller_of(request).agent_id
    assert agent_id is not None  # BearerKey has seen to it
    return agent_id
