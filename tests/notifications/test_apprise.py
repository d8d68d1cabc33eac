"""Services that Apprise speaks to: here its own JSON, over real HTTP."""

import subprocess
import sys
from typing import Any

import pytest

from approvals.models import Delivery, NotificationChannel
from approvals.notifications.channels import apprise
from approvals.notifications.outbox import run_outbox
from hitlconsole.accounts.models import Team, User
from tests.factories import HARD, submit
from tests.notifications.conftest import make_channel
from tests.peers.http import HTTPPeer, Reply

TOKEN = "s3cr3t-t0ken"


def tell(team: Team, url: str) -> NotificationChannel:
    return make_channel("apprise", {"url": url}, team=team)


def address(receiver: HTTPPeer, query: str = "") -> str:
    return f"json://me:{TOKEN}@127.0.0.1:{receiver.port}/path-{TOKEN}{query}"


def test_the_whole_message_arrives_as_text(
    receiver: HTTPPeer, team: Team, key: str, ana: User
) -> None:
    receiver.expect()
    tell(team, address(receiver))
    request = submit(key, facts=HARD, description="Refund <b>1</b>\u200b *now* &amp; here")
    run_outbox()
    (received,) = receiver.received
    sent = received.json
    assert received.path == f"/path-{TOKEN}"
    assert sent["title"] == (
        "[HARD_APPROVAL] Refund <b>1</b>⟨U+200B⟩ *now* &amp; here waits for a decision"
    )
    lines = sent["message"].splitlines()
    assert lines[0] == "Refund <b>1</b>⟨U+200B⟩ *now* &amp; here waits for a decision."
    assert lines[-1].endswith(f"/requests/{request.id}/")
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries.get().outcome) == ("sent", "sent")


@pytest.mark.parametrize("query", ["", "?optional=yes", "?redirect=yes&optional=yes"])
@pytest.mark.parametrize("reply", [Reply(500, b"oops"), Reply(0)])
def test_what_is_not_accepted_is_tried_again(
    receiver: HTTPPeer, team: Team, key: str, ana: User, query: str, reply: Reply
) -> None:
    """Also where the address itself would call it a success."""
    receiver.expect()
    receiver.replies = [reply]
    tell(team, address(receiver, query))
    submit(key, facts=HARD)
    run_outbox()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries.get().outcome) == ("queued", "temporary")
    assert delivery.sent_at is None


def test_a_redirect_is_no_acceptance(receiver: HTTPPeer, team: Team, key: str, ana: User) -> None:
    receiver.expect()
    receiver.replies = [Reply(302, b"", {"Location": f"{receiver.url}/elsewhere"})]
    tell(team, address(receiver))
    submit(key, facts=HARD)
    run_outbox()
    assert Delivery.objects.get().sent_at is None


def test_the_reason_is_told_and_no_secret(
    receiver: HTTPPeer, team: Team, key: str, ana: User, capfd: Any
) -> None:
    receiver.expect()
    receiver.replies = [Reply(403, TOKEN.encode())]
    channel = tell(team, address(receiver))
    submit(key, facts=HARD)
    run_outbox()
    delivery = Delivery.objects.get()
    assert "error=403" in delivery.last_error
    channel.refresh_from_db()
    kept = [str(vars(one)) for one in (delivery, delivery.tries.get(), channel)]
    streams = capfd.readouterr()
    assert TOKEN not in "".join([*kept, streams.out, streams.err])


def test_a_service_that_hangs_ends_in_time(
    receiver: HTTPPeer, team: Team, key: str, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer would come, and be a good one, with more time."""
    receiver.expect()
    receiver.replies = [Reply(delay=2.0)]
    monkeypatch.setattr(apprise, "ATTEMPT_SECONDS", 0.5)
    tell(team, address(receiver))
    submit(key, facts=HARD)
    run_outbox()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_error) == (
        "queued",
        "The service did not answer in time.",
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Apprise does not know this kind of address."),
        ("nosuch://example.com/x", "Apprise does not know this kind of address."),
        ("not an address", "Apprise does not know this kind of address."),
        ("json://a.example/ json://b.example/", "more than one address: make a channel of each."),
    ],
)
def test_what_is_no_address_is_given_up_at_once(
    team: Team, key: str, ana: User, url: str, words: str
) -> None:
    tell(team, url)
    submit(key, facts=HARD)
    run_outbox()
    delivery = Delivery.objects.get()
    assert delivery.status == "dead"
    assert delivery.last_error.endswith(words)


def test_secrets_are_taken_out_of_whatever_is_said() -> None:
    url = "pover://user%40key:t%2Fken@device?sound=loudest"
    said = "Failed to reach user@key with t/ken at device (user%40key, t%2Fken): loudest, 401"
    clean = apprise.without_secrets(said, url)
    assert clean == "Failed to reach … with … at … (…, …): …, 401"


def test_nothing_of_it_is_logged() -> None:
    """In a process of its own: a test's own capture would hear it all the same."""
    code = (
        "import django, logging; django.setup();"
        "[logging.getLogger(name).error('said by %s', name) for name in ('apprise', 'approvals')]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert [line.rpartition(" ")[2] for line in done.stderr.splitlines()] == ["approvals"]
