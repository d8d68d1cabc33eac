import asyncio
import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hitlconsole.demo.fleet.run import Stage, play
from hitlconsole.demo.keys import DemoKeys, keys_file, read_keys
from hitlconsole.demo.scenes.scripts import SCRIPTS


class Command(BaseCommand):
    help = "Let the demonstration's agents ask the console over its HTTP API, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=settings.BASE_URL, help="(%(default)s)")
        parser.add_argument("--duration", type=float, help="seconds; for ever if left out")
        parser.add_argument("--pace", type=float, default=1.0, help="2 is twice as fast")
        parser.add_argument("--seed", type=int, help="the same seed draws the same scenes")

    def handle(
        self, *, url: str, duration: float | None, pace: float, seed: int | None, **options: Any
    ) -> None:
        if not pace > 0:
            raise CommandError("--pace must be above 0")
        stage = Stage(
            url=url,
            keys=_keys(),
            write=self._say,
            seed=secrets.randbits(32) if seed is None else seed,
            pace=pace,
            duration=duration,
        )
        asyncio.run(play(stage))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _keys() -> DemoKeys:
    keys = read_keys()
    if keys.agents.keys() < SCRIPTS.keys() or not keys.desk:
        raise CommandError(f"{keys_file()} does not hold all keys: run demo_seed first")
    return keys
