"""Who calls: the bearer key, and which calls may go without a look at the database."""

import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from hitlconsole.accounts.keys import Caller, authenticate, digest_key, touch
from hitlconsole.accounts.models import Scope
from hitlconsole.lib.problems import Problem

TOUCH_SECONDS = 60
REMEMBER_SECONDS = 60
REMEMBERED = 10_000

_touched: dict[UUID, float] = {}


def bearer_secret(authorization: str | None) -> str:
    """The key of an Authorization header. Raises missing_key or invalid_key."""
    if not authorization:
        raise Problem("missing_key", "Send the header Authorization: Bearer <key>.")
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Problem("missing_key", "The only scheme is Bearer: Authorization: Bearer <key>.")
    if not secret.strip().isascii():
        raise Problem("invalid_key")
    return secret.strip()


def identify(secret: str) -> Caller:
    """The caller, looked up; the use of the key is noted. Raises what authenticate does."""
    caller = authenticate(secret)
    note_use(caller.key_id)
    return caller


def note_use(key_id: UUID) -> None:
    """Spares the statement where this process has just noted it."""
    now = time.monotonic()
    if now - _touched.get(key_id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
        _touched[key_id] = now
        touch(key_id)


def own_agent(caller: Caller, scope: Scope) -> UUID:
    """The agent a call is made for. Raises wrong_scope, also for a service's key."""
    caller.require(scope)
    if caller.agent_id is None:
        raise Problem("wrong_scope", "Only an agent's own key can make this call.")
    return caller.agent_id


class RememberedCallers:
    """Callers known for a minute, for the one call whose service checks the key again inside.

    Nothing else may use it: a key revoked since would still be known here.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def get(self, secret: str) -> Caller | None:
        known = self._known.get(digest_key(secret))
        if known is None or self._clock() - known[0] > REMEMBER_SECONDS:
            return None
        return known[1]

    def keep(self, secret: str, caller: Caller) -> None:
        self._known[digest_key(secret)] = (self._clock(), caller)
        self._known.move_to_end(digest_key(secret))
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
