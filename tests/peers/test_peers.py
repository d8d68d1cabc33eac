"""The peers themselves: what they refuse, what they hold back, and that nothing escapes them."""

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from tests.peers.http import HTTPPeer, Reply
from tests.peers.slack import (
    BLOCKS_OF_A_MESSAGE,
    ROOM,
    SIGNING_SECRET,
    TOKEN,
    WORKSPACE,
    SlackPeer,
    press,
    signed,
)
from tests.peers.smtp import LOCALHOST, SMTPPeer


def mail(peer: SMTPPeer, *recipients: str) -> dict[str, tuple[int, bytes]]:
    message = EmailMessage()
    message["From"], message["To"] = "console@example.com", ", ".join(recipients)
    message["Subject"] = "Hello"
    message.set_content("Text")
    with smtplib.SMTP(LOCALHOST, peer.port, timeout=5) as client:
        return client.send_message(message)


def test_a_request_that_nobody_expected_fails_and_is_named() -> None:
    def use() -> None:
        with HTTPPeer() as peer:
            peer.expect(lambda one: one.path == "/hook")
            for _ in range(2):
                httpx.post(f"{peer.url}/hook", content=b"x")

    with pytest.raises(AssertionError, match=r"unexpected messages: \[.POST /hook b'x'"):
        use()


def test_what_was_expected_and_did_not_come_fails_and_is_named() -> None:
    def use() -> None:
        with HTTPPeer() as peer:
            peer.expect(words="two calls", at_least=2, at_most=2)
            httpx.post(peer.url)

    with pytest.raises(AssertionError, match=r"\['two calls: 1 of 2'\]"):
        use()


def test_a_mail_that_nobody_expected_fails_and_is_named() -> None:
    def use() -> None:
        with SMTPPeer() as peer:
            peer.expect_only("ana@example.com")
            mail(peer, "ana@example.com")
            mail(peer, "bo@example.com")

    with pytest.raises(
        AssertionError, match=r"unexpected messages: \['to bo@example.com: Hello'\]"
    ):
        use()


def test_a_test_that_fails_anyway_is_not_told_what_did_not_come() -> None:
    def use() -> None:
        with HTTPPeer() as http, SMTPPeer() as smtp:
            http.expect()
            smtp.expect_only("ana@example.com")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()


def test_replies_come_in_turn_and_then_the_plain_one() -> None:
    with HTTPPeer() as peer:
        peer.expect(at_least=4, at_most=4)
        peer.replies = [Reply(503), Reply(429, b"slow", {"Retry-After": "7"}), Reply(0)]
        assert httpx.post(peer.url).status_code == 503
        limited = httpx.post(peer.url)
        assert (limited.status_code, limited.text, limited.headers["retry-after"]) == (
            429, "slow", "7",
        )  # fmt: skip
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(peer.url)
        assert httpx.post(peer.url).status_code == 200


def test_a_peer_that_hangs_is_given_up_by_its_caller() -> None:
    with HTTPPeer() as peer:
        peer.expect()
        peer.replies = [Reply(delay=30)]
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(peer.url, timeout=0.2)
        began = time.monotonic()
    assert time.monotonic() - began < 5


def test_half_a_request_is_none() -> None:
    with HTTPPeer() as peer:
        peer.expect()
        with socket.create_connection((LOCALHOST, peer.port)) as dying:
            dying.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            dying.shutdown(socket.SHUT_WR)
            assert dying.recv(100) == b""
        httpx.post(peer.url, content=b"whole")
        assert [one.body for one in peer.received] == [b"whole"]


def test_answers_are_held_back_after_some() -> None:
    with HTTPPeer() as peer:
        peer.expect(at_least=3, at_most=3)
        peer.inbox.hold(after=1)
        assert httpx.post(peer.url).status_code == 200
        answers: list[int] = []
        waiting = [
            threading.Thread(target=lambda: answers.append(httpx.post(peer.url).status_code))
            for _ in range(2)
        ]
        for one in waiting:
            one.start()
        peer.inbox.wait_for_held(2, timeout=5)
        assert answers == []
        peer.inbox.release()
        for one in waiting:
            one.join(timeout=5)
        assert answers == [200, 200]


def test_a_stopped_peer_refuses_and_comes_back_at_the_same_place() -> None:
    with HTTPPeer() as http, SMTPPeer() as smtp:
        places = http.url, smtp.url
        http.stop()
        smtp.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.post(http.url)
        with pytest.raises(ConnectionRefusedError):
            mail(smtp, "ana@example.com")
        http.expect()
        smtp.expect_only("ana@example.com")
        http.start()
        smtp.start()
        assert (http.url, smtp.url) == places
        assert httpx.post(http.url).status_code == 200
        assert mail(smtp, "ana@example.com") == {}


def test_who_waits_for_an_answer_is_dropped_at_the_stop() -> None:
    with HTTPPeer() as http, SMTPPeer() as smtp:
        http.expect()
        smtp.expect_only("ana@example.com")
        errors: list[Exception] = []

        def call(work: Any) -> None:
            try:
                work()
            except (httpx.TransportError, smtplib.SMTPServerDisconnected) as error:
                errors.append(error)

        http.inbox.hold()
        smtp.inbox.hold()
        callers = [
            threading.Thread(target=call, args=(lambda: httpx.post(http.url),)),
            threading.Thread(target=call, args=(lambda: mail(smtp, "ana@example.com"),)),
        ]
        for caller in callers:
            caller.start()
        http.inbox.wait_for_held(1, timeout=5)
        smtp.inbox.wait_for_held(1, timeout=5)
        http.stop()
        smtp.stop()
        for caller in callers:
            caller.join(timeout=5)
        assert len(errors) == 2


def test_a_mail_server_refuses_recipients_and_messages() -> None:
    with SMTPPeer() as peer:
        peer.refusals = {"bo@example.com": "550 no such user", "cy@example.com": "450 busy"}
        peer.answers = ["452 full", "250 OK"]
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            mail(peer, "bo@example.com", "cy@example.com")
        assert refused.value.recipients == {
            "bo@example.com": (550, b"no such user"),
            "cy@example.com": (450, b"busy"),
        }
        with pytest.raises(smtplib.SMTPDataError, match="full"):
            mail(peer, "ana@example.com")
        peer.expect_only("ana@example.com, bo@example.com")
        assert mail(peer, "ana@example.com", "bo@example.com") == {
            "bo@example.com": (550, b"no such user")
        }


@pytest.fixture
def slack() -> Iterator[SlackPeer]:
    with SlackPeer() as peer:
        yield peer


def client_of(peer: SlackPeer, token: str = TOKEN) -> WebClient:
    return WebClient(token=token, base_url=peer.api_url, timeout=5)


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def button(**more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Go"}
    return {"type": "button", "text": text, "action_id": "go"} | more


def actions(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(buttons)}


def test_slack_keeps_what_was_posted_and_changes_it(slack: SlackPeer) -> None:
    slack.expect_call("chat.postMessage")
    slack.expect_call("chat.update")
    slack.expect_call("auth.test")
    client = client_of(slack)
    blocks = [section("One"), actions(button(value="7"))]
    posted = client.chat_postMessage(channel=ROOM, text="One", blocks=blocks)
    assert (posted["channel"], posted["message"]["blocks"]) == (ROOM, blocks)
    assert slack.buttons(posted["ts"])["go"]["value"] == "7"
    client.chat_update(channel=ROOM, ts=posted["ts"], text="Two", blocks=[section("Two")])
    assert slack.messages[posted["ts"]]["blocks"] == [section("Two")]
    assert client.auth_test()["team_id"] == WORKSPACE


@pytest.mark.parametrize(
    ("blocks", "error", "detail"),
    [
        ([section("x")] * (BLOCKS_OF_A_MESSAGE + 1), "invalid_blocks", "no more than 50 items"),
        ([section("x" * 3001)], "invalid_blocks", "must be less than 3001 characters"),
        ([section("")], "invalid_blocks", "must be more than 0 characters"),
        ([section("x", block_id="a")] * 2, "invalid_blocks", "block_id is there twice"),
        ([section("x", block_id="a" * 256)], "invalid_blocks", "less than 256 characters"),
        ([actions(button(), button())], "invalid_blocks", "action_id is there twice"),
        ([actions()], "invalid_blocks", "1 to 25 items"),
        ([actions(button(value="x" * 2001))], "invalid_blocks", "less than 2001"),
        ([actions(button(text={"text": "x" * 76}))], "invalid_blocks", "less than 76"),
        ([{"type": "blink"}], "invalid_blocks", "unsupported type"),
        ([section("x" * 2500)] * 5, "msg_blocks_too_long", ""),
    ],
)
def test_slack_refuses_what_is_beyond_its_limits(
    slack: SlackPeer, blocks: list[dict[str, Any]], error: str, detail: str
) -> None:
    slack.expect_call("chat.postMessage")
    with pytest.raises(SlackApiError) as refused:
        client_of(slack).chat_postMessage(channel=ROOM, text="x", blocks=blocks)
    answer = refused.value.response
    assert (answer["ok"], answer["error"]) == (False, error)
    assert detail in "".join(answer["response_metadata"].get("messages", []))
    assert slack.messages == {}


def test_slack_says_no_in_its_own_way(slack: SlackPeer) -> None:
    slack.expect(at_least=7, at_most=7)
    slack.people = {"ana@example.com": "U1"}
    client, blocks = client_of(slack), [section("x")]

    def error_of(call: Any) -> tuple[int, str, str | None]:
        with pytest.raises(SlackApiError) as refused:
            call()
        answer = refused.value.response
        return answer.status_code, answer["error"], answer.headers.get("Retry-After")

    assert client.users_lookupByEmail(email="ana@example.com")["user"]["id"] == "U1"
    assert error_of(lambda: client.users_lookupByEmail(email="x")) == (200, "users_not_found", None)
    assert error_of(lambda: client_of(slack, "stolen").auth_test()) == (200, "invalid_auth", None)
    assert error_of(lambda: client.chat_postMessage(channel="C9", text="x")) == (
        200, "channel_not_found", None,
    )  # fmt: skip
    assert error_of(
        lambda: client.chat_update(channel=ROOM, ts="9.9", text="x", blocks=blocks)
    ) == (200, "message_not_found", None)
    slack.errors = ["ratelimited", "internal_error"]
    assert error_of(client.auth_test) == (429, "ratelimited", "30")
    assert error_of(client.auth_test) == (200, "internal_error", None)


def test_what_people_press_is_signed_as_slack_signs_it() -> None:
    body, headers = signed(press(button(value="7"), "U1"))
    assert SignatureVerifier(SIGNING_SECRET).is_valid_request(body, headers)
    assert not SignatureVerifier(SIGNING_SECRET).is_valid_request(body + b"x", headers)
    assert not SignatureVerifier("another").is_valid_request(body, headers)
