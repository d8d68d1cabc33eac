"""Signatures of messages, as the specification and its own library understand them."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from hitlconsole.lib.webhooks import new_secret, signed_headers

# The example of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9))])
def test_the_published_example(zone: timezone) -> None:
    sent_at = datetime.fromtimestamp(1614265330, zone)
    assert signed_headers(MESSAGE_ID, sent_at, BODY, [SECRET]) == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_a_secret_is_32_bytes_and_new() -> None:
    secrets = {new_secret() for _ in range(20)}
    assert len(secrets) == 20
    for secret in secrets:
        prefix, _, rest = secret.partition("_")
        assert (prefix, len(base64.b64decode(rest, validate=True))) == ("whsec", 32)


def test_every_secret_signs_and_no_other() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    body = b'{"type": "x"}'
    headers = signed_headers("msg_1", datetime.now(UTC), body, [new, old])
    assert Webhook(old).verify(body, headers) == Webhook(new).verify(body, headers) == {"type": "x"}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(b'{"type": "y"}', headers)
