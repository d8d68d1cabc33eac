from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hitlconsole.accounts.models import ApiKey
from hitlconsole.accounts.services import create_service_key


class Command(BaseCommand):
    help = "Create a key with which an outside system decides for people, and print it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the system is called, as in: ticketing")

    def handle(self, *, name: str, **options: Any) -> None:
        limit = ApiKey._meta.get_field("service").max_length or 0
        if not name.strip() or len(name) > limit:
            raise CommandError(f"a system's name has 1 to {limit} characters")
        _, secret = create_service_key(name)
        self.stderr.write(f"A key for {name}, which decides for people. It is shown only now:")
        self.stdout.write(secret)
