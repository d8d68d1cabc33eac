from typing import Any

from django.core.management.base import BaseCommand

from hitlconsole.demo.keys import keys_file
from hitlconsole.demo.seeding import seed
from hitlconsole.demo.world import ACTION_TYPES, AGENTS, PEOPLE, TEAMS


class Command(BaseCommand):
    help = "Make the demonstration's teams, people, action types and agents, where missing."

    def handle(self, **options: Any) -> None:
        seed()
        self.stderr.write(
            f"The demonstration has {len(TEAMS)} teams, {len(PEOPLE)} people,"
            f" {len(ACTION_TYPES)} action types and {len(AGENTS)} agents"
            f" (their keys are in {keys_file()}).",
            style_func=str,
        )
