"""A mail server that speaks SMTP. Whatever arrives without being expected fails the test."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.peers.inbox import Inbox

LOCALHOST = "127.0.0.1"
PATIENCE = 20.0
# What the server says of each connection is no output of a test.
logging.getLogger("mail.log").setLevel(logging.ERROR)


class SMTPPeer:
    """`refusals`: recipient -> the answer to RCPT, like "550 no such user". `answers` are used up
    first, one by one, for whole messages, like "451 try again later"; a message that is not
    answered with 250 was not accepted and counts as none. `inbox.hold()` keeps answers back.
    """

    def __init__(self) -> None:
        self.inbox: Inbox[Message] = Inbox(lambda mail: f"to {mail['To']}: {mail['Subject']}")
        self.refusals: dict[str, str] = {}
        self.answers: list[str] = []
        self.port = _free_port()
        self._controller: Any = None

    @property
    def mails(self) -> list[Message]:
        return self.inbox.received

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
        """From now on connections are refused, and those that wait for an answer are dropped."""
        if self._controller is not None:
            controller, self._controller = self._controller, None
            controller.stop()

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.startswith("250"):
                return answer
        content = envelope.content
        assert isinstance(content, bytes)
        if self.inbox.take(message_from_bytes(content, policy=default)):
            while not self.inbox.may_answer(0):
                await asyncio.sleep(0.02)
        return "250 OK"

    def expect(
        self, matches: Callable[[Message], bool], words: str, *, at_least: int = 1, at_most: int = 1
    ) -> None:
        self.inbox.expect(matches, words, at_least=at_least, at_most=at_most)

    def expect_only(self, *recipients: str) -> None:
        """At the end these have got a mail each, as often as they are named, and nobody else."""
        for address, times in Counter(recipients).items():

            def to_them(mail: Message, address: str = address) -> bool:
                return str(mail["To"]) == address

            self.expect(to_them, f"a mail to {address}", at_least=times, at_most=times)

    def wait_for(self, count: int, timeout: float = PATIENCE) -> list[Message]:
        return self.inbox.wait_for(count, timeout)

    def check(self) -> None:
        self.inbox.check()

    def __enter__(self) -> Self:
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
