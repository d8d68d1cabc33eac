from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hitlconsole.accounts.models import User
from hitlconsole.accounts.services import create_sign_in_link


class Command(BaseCommand):
    help = "Print a one-time sign-in link for a person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *, email: str, **options: Any) -> None:
        user = User.objects.filter(email__iexact=email, is_active=True).first()
        if user is None:
            raise CommandError(f"nobody active has the address {email!r}")
        self.stdout.write(create_sign_in_link(user))
