"""Which module sends what."""

from collections.abc import Mapping

from approvals.models import Transport
from approvals.notifications.channels import apprise, email, slack, webhook
from approvals.notifications.channels.base import Send

SENDERS: Mapping[Transport, Send] = {
    Transport.EMAIL: email.send,
    Transport.SLACK: slack.send,
    Transport.WEBHOOK: webhook.send,
    Transport.CALLBACK: webhook.send,
    Transport.APPRISE: apprise.send,
}
