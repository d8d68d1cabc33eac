"""E-mail, one message to each person, through Django's mail settings."""

import smtplib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from approvals.notifications.channels.base import (
    Outgoing,
    Permanent,
    PersonalLink,
    Receipt,
    Temporary,
)
from approvals.notifications.text import line_of, subject


def send(message: Outgoing) -> Receipt:
    if not message.people:
        raise Permanent("There is nobody to write to.")
    mail = _compose(message)
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        raise _failure(code, said) from refused
    except smtplib.SMTPResponseException as answer:
        raise _failure(answer.smtp_code, answer.smtp_error) from answer
    except (smtplib.SMTPException, OSError) as error:
        raise Temporary(f"The mail server cannot be reached: {error}") from error
    return Receipt(reference=str(mail.extra_headers["Message-ID"]))


def _failure(code: int, said: bytes | str) -> Permanent | Temporary:
    """5xx is for good, but for a refused sign-in: that is mended in the settings."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    detail = f"The mail server answered {code}."
    if code >= 500 and code not in (530, 534, 535, 538):
        return Permanent(detail, status=code, response=text)
    return Temporary(detail, status=code, response=text)


def _compose(message: Outgoing) -> EmailMultiAlternatives:
    context = _context(message)
    prefix = str(message.settings.get("subject_prefix", ""))
    host = urlsplit(settings.BASE_URL).hostname
    mail = EmailMultiAlternatives(
        subject=f"{prefix} {subject(message)}".strip(),
        body=render_to_string("email/message.txt", context),
        to=[person.email for person in message.people],
        headers={
            # The same at each attempt: whoever gets it twice sees one message.
            "Message-ID": f"<{message.id}@{host}>",
            "X-HITL-Delivery": str(message.id),
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string("email/message.html", context), "text/html")
    return mail


def _context(message: Outgoing) -> dict[str, Any]:
    lines = [line_of(news, message) for news in message.news]
    return {
        "lines": lines,
        "only": lines[0] if len(lines) == 1 else None,
        "link": _link(message.links),
        "subject": subject(message),
        "queue_url": f"{settings.BASE_URL}/",
    }


def _link(links: Mapping[UUID, PersonalLink]) -> PersonalLink | None:
    return next(iter(links.values()), None)
