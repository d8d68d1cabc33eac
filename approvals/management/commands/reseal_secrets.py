from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.notifications.resealing import reseal_secrets
from hitlconsole.lib.secretbox import CannotOpen


class Command(BaseCommand):
    help = (
        "Seal the secrets of channels and agents with the first of HITL_ENCRYPTION_KEYS, so that"
        " the others can go."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = reseal_secrets()
        except CannotOpen as error:
            raise CommandError(f"nothing was changed: {error}") from None
        self.stdout.write(f"{count} secrets are sealed with the first key")
