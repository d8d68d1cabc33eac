"""A mail server that speaks SMTP. Whatever arrives without being expected fails the test."""

import socket
import threading
from collections import Counter
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

LOCALHOST = "127.0.0.1"


class SMTPPeer:
    """`refusals`: recipient -> the answer, like "550 no such user"."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refusals: dict[str, str] = {}
        self.port = _free_port()
        self._expected: Counter[str] | None = None
        self._arrived = threading.Condition()
        self._controller: Any = None

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": LOCALHOST,
            "EMAIL_PORT": self.port,
        }

    @property
    def url(self) -> str:
        return f"smtp://{LOCALHOST}:{self.port}"

    def start(self) -> None:
        self._controller = Controller(self, hostname=LOCALHOST, port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """From now on connections are refused."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        with self._arrived:
            self.mails.append(message_from_bytes(content, policy=default))
            self._arrived.notify_all()
        return "250 OK"

    def expect_only(self, *recipients: str) -> None:
        """At the end these have got a mail each, as often as they are named, and nobody else."""
        self._expected = (self._expected or Counter()) + Counter(recipients)

    def wait_for(self, count: int, timeout: float = 20.0) -> list[Message]:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.mails) >= count, timeout)
        assert arrived, f"{len(self.mails)} of {count} mails came"
        return list(self.mails)

    def check(self) -> None:
        got = Counter(str(mail["To"]) for mail in self.mails)
        assert got == (self._expected or Counter()), f"mails to {dict(got)}"

    def __enter__(self) -> "SMTPPeer":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            self.check()


def text_of(mail: Message) -> str:
    part: Any = mail
    return str(part.get_body(("plain",)).get_content())


def html_of(mail: Message) -> str:
    part: Any = mail
    return str(part.get_body(("html",)).get_content())


def _free_port() -> int:
    with socket.create_server((LOCALHOST, 0)) as probe:
        return int(probe.getsockname()[1])
