"""Links by which a person decides from an e-mail: made for one delivery, used once."""

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from approvals.models import ApprovalRequest, DecisionLink, Delivery
from approvals.notifications.channels.base import PersonalLink
from hitlconsole.accounts.models import User

LIFETIME = timedelta(days=3)
CODE_DIGITS = 6
_SALT = "approvals.decision_links"


def make_link(
    delivery: Delivery, request: ApprovalRequest, user: User, now: datetime
) -> PersonalLink:
    """The same link at each attempt of a delivery: a message that comes twice is still one.

    The code is not in the link: a program that follows links, or posts what it finds behind
    them, does not have it.
    """
    token = _token(delivery, request, user)
    code = _code(token)
    DecisionLink.objects.get_or_create(
        digest=digest_of(token),
        defaults={
            "code_digest": digest_of(token + code),
            "delivery": delivery,
            "request": request,
            "user": user,
            "revision": request.revision,
            "expires_at": now + LIFETIME,
        },
    )
    return PersonalLink(settings.BASE_URL + reverse("console:decision-link", args=[token]), code)


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _token(delivery: Delivery, request: ApprovalRequest, user: User) -> str:
    value = f"{delivery.id}:{request.id}:{request.revision}:{user.id}"
    return salted_hmac(_SALT, value, algorithm="sha256").hexdigest()


def _code(token: str) -> str:
    number = int.from_bytes(salted_hmac(_SALT + ".code", token, algorithm="sha256").digest()[:8])
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
