"""Secrets at rest: sealed with a key that is not in the database."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_INFO = b"hitlconsole.lib.secretbox v1"


class CannotOpen(ValueError):
    """Sealed with another key, or damaged."""


def seal(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def open_sealed(token: str) -> str:
    """Raises CannotOpen."""
    try:
        return _box().decrypt(token.encode()).decode()
    except InvalidToken:
        raise CannotOpen("none of HITL_ENCRYPTION_KEYS opens it") from None


def reseal(token: str) -> str:
    """The same text under the first key. Raises CannotOpen."""
    return seal(open_sealed(token))


def _box() -> MultiFernet:
    return _box_of(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    """The first key seals, every one of them opens."""
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    """A Fernet key from a secret of any form (RFC 5869)."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
