from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from hitlconsole.accounts.models import Role
from hitlconsole.accounts.services import (
    DEFAULT_TEAM,
    create_sign_in_link,
    ensure_person,
    ensure_team,
    set_membership,
)


class Command(BaseCommand):
    help = "Create an administrator (or promote a person) and print a one-time sign-in link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="how the person is shown to others")
        parser.add_argument(
            "--team", default=DEFAULT_TEAM, help="the team whose queue the person may work in too"
        )

    @transaction.atomic
    def handle(self, *, email: str, name: str, team: str, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(
                f"{email!r} is no e-mail address, expected name@example.com"
            ) from None
        user = ensure_person(email, name=name, admin=True)
        set_membership(user, ensure_team(team), Role.REVIEWER)
        self.stderr.write(f"{user.email} administers the console and reviews for team {team}.")
        self.stderr.write("Sign in with this link (once, within a day):")
        self.stdout.write(create_sign_in_link(user))
