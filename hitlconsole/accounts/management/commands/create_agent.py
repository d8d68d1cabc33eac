from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.accounts.services import DEFAULT_TEAM, create_agent, create_key, ensure_team


class Command(BaseCommand):
    help = "Create an agent and print its API key, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--team", default=DEFAULT_TEAM, help="whose reviewers decide for it")
        parser.add_argument("--owner", help="e-mail of the person who answers for the agent")

    @transaction.atomic
    def handle(self, *, name: str, team: str, owner: str | None, **options: Any) -> None:
        limit = Agent._meta.get_field("name").max_length or 0
        if not name.strip() or len(name) > limit:
            raise CommandError(f"an agent's name has 1 to {limit} characters")
        if Agent.objects.filter(name=name).exists():
            raise CommandError(f"there is an agent named {name!r} already")
        agent = create_agent(name=name, team=_team(team), owner=_owner(owner))
        _, secret = create_key(agent)
        self.stderr.write(f"Agent {name} of team {team}. Its key is shown only now:")
        self.stdout.write(secret)


def _team(name: str) -> Team:
    if name == DEFAULT_TEAM:
        return ensure_team(name)
    team = Team.objects.filter(name=name).first()
    if team is None:
        known = ", ".join(Team.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"there is no team named {name!r} (known: {known})")
    return team


def _owner(email: str | None) -> User | None:
    if email is None:
        return None
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise CommandError(f"nobody has the address {email!r}")
    return user
