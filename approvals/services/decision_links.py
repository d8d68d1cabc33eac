"""Links by which a person decides from an e-mail: made for one delivery, used once."""

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from approvals.models import ApprovalRequest, DecisionLink, Delivery
from approvals.notifications.channels.base import PersonalLink
from hitlconsole.accounts.models import User
from hitlconsole.lib.clock import HitlNow

LIFETIME = timedelta(days=3)
CODE_DIGITS = 6
MAX_WRONG_CODES = 5
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


def find_link(token: str) -> DecisionLink | None:
    """The link, whatever has become of it."""
    related = ("user", "request__agent", "request__team", "request__evaluation")
    return DecisionLink.objects.select_related(*related).filter(digest=digest_of(token)).first()


def is_usable(link: DecisionLink, now: datetime) -> bool:
    return link.used_at is None and link.wrong_codes < MAX_WRONG_CODES and link.expires_at > now


def code_is_right(link: DecisionLink, token: str, code: str) -> bool:
    """After some wrong ones the link is of no use any more. Each is counted before it is compared,
    so that there are no more guesses where many come at once.
    """
    own = DecisionLink.objects.filter(pk=link.pk)
    counted = own.filter(wrong_codes__lt=MAX_WRONG_CODES).update(wrong_codes=F("wrong_codes") + 1)
    typed = "".join(code.split())
    right = constant_time_compare(bytes(link.code_digest), digest_of(token + typed))
    if counted and right:
        own.update(wrong_codes=F("wrong_codes") - 1)
    link.refresh_from_db(fields=["wrong_codes"])
    return bool(counted) and right


def redeem(link: DecisionLink) -> bool:
    """Use it up; of several at once, one does."""
    usable = DecisionLink.objects.filter(
        pk=link.pk, used_at=None, wrong_codes__lt=MAX_WRONG_CODES, expires_at__gt=HitlNow()
    )
    return bool(usable.update(used_at=HitlNow()))


def give_back(link: DecisionLink) -> None:
    """It was of no use this time, and may be the next."""
    DecisionLink.objects.filter(pk=link.pk).update(used_at=None)


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _token(delivery: Delivery, request: ApprovalRequest, user: User) -> str:
    value = f"{delivery.id}:{request.id}:{request.revision}:{user.id}"
    return salted_hmac(_SALT, value, algorithm="sha256").hexdigest()


def _code(token: str) -> str:
    number = int.from_bytes(salted_hmac(_SALT + ".code", token, algorithm="sha256").digest()[:8])
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
