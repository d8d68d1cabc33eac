"""API keys: a readable prefix, 256 bits of secret, and only the SHA-256 kept."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from hitlconsole.accounts.models import Agent, ApiKey, Scope
from hitlconsole.lib.clock import HitlNow
from hitlconsole.lib.problems import Problem

AGENT_SCOPES = (Scope.SUBMIT, Scope.EXECUTE)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API: an agent's key, or that of an outside system (agent_id is None)."""

    key_id: UUID
    agent_id: UUID | None
    service: str
    scopes: frozenset[str]

    def require(self, scope: Scope) -> None:
        """Raises the problem wrong_scope."""
        if scope.value not in self.scopes:
            raise Problem("wrong_scope", f"This call needs a key with the scope “{scope.value}”.")


def digest_key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> tuple[str, str]:
    """(prefix, whole key): hitl_<8 characters>_<43 characters, 256 bits>."""
    prefix = f"hitl_{secrets.token_hex(4)}"
    return prefix, f"{prefix}_{secrets.token_urlsafe(32)}"


def authenticate(secret: str) -> Caller:
    """The caller of a key. Raises invalid_key, key_revoked, key_expired or agent_disabled."""
    keys = ApiKey.objects.select_related("agent").annotate(read_at=HitlNow())
    try:
        key = keys.get(digest=digest_key(secret))
    except ApiKey.DoesNotExist:
        raise Problem("invalid_key") from None
    refuse_unusable(key.revoked_at, key.expires_at, key.read_at)
    if key.agent is not None and key.agent.status == Agent.Status.DISABLED:
        raise Problem("agent_disabled")
    return Caller(key.id, key.agent_id, key.service, frozenset(key.scopes))


def refuse_unusable(
    revoked_at: datetime | None, expires_at: datetime | None, now: datetime
) -> None:
    if revoked_at is not None:
        raise Problem("key_revoked")
    if expires_at is not None and expires_at <= now:
        raise Problem("key_expired")


def touch(key_id: UUID) -> None:
    """Remember the use, at most once a minute, so that reading needs no write each time."""
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=HitlNow() - MINUTE)
    ApiKey.objects.filter(stale, pk=key_id).update(last_used_at=HitlNow())
