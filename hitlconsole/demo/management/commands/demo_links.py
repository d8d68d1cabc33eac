from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hitlconsole.accounts.models import Role, User
from hitlconsole.accounts.services import create_sign_in_link
from hitlconsole.demo.world import PEOPLE

DOES = {
    Role.REVIEWER: "reviews for",
    Role.ADMIN: "administers",
    Role.COMPLIANCE: "reads",
}


class Command(BaseCommand):
    help = "Print a fresh one-time sign-in link for each person of the demonstration."

    def handle(self, **options: Any) -> None:
        people = {user.email: user for user in _people()}
        if not people:
            raise CommandError("nobody is there yet: run demo_seed first")
        shown = [people[spec.email] for spec in PEOPLE if spec.email in people]
        width = max(len(user.name) for user in shown)
        self.stdout.write("Sign in as (each link works once, within a day):\n\n")
        for user in shown:
            self.stdout.write(f"  {user.name:<{width}}  {_what_they_do(user)}")
            self.stdout.write(f"  {'':<{width}}  {create_sign_in_link(user)}\n\n")


def _people() -> list[User]:
    emails = [spec.email for spec in PEOPLE]
    return list(
        User.objects.filter(email__in=emails, is_active=True).prefetch_related("memberships__team")
    )


def _what_they_do(user: User) -> str:
    """ADMIN · reviews for Payments and Support · reads Operations"""
    words = ["ADMIN of the console"] if user.is_superuser else []
    for role in Role:
        teams = sorted(m.team.name for m in user.memberships.all() if m.role == role)
        if teams:
            words.append(f"{DOES[role]} {_listed(teams)}")
    return " · ".join(words)


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
