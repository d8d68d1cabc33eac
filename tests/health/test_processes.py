"""Signs of life of real processes: each gives its own, and falls silent when it is killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from approvals.health import findings, pulses
from hitlconsole.lib.clock import database_now
from tests.processes import console, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def alive() -> set[str]:
    return {pulse.service.value for pulse in pulses(database_now()) if pulse.alive}


def silent() -> set[str]:
    codes = {one.code for one in findings()}
    return {code.removeprefix("silent_") for code in codes if code.startswith("silent_")}


def test_what_is_killed_falls_silent_and_the_others_do_not(
    committed_db: str, tmp_path: Path, advance_clock: Callable[..., None]
) -> None:
    with console(committed_db, tmp_path) as running:
        assert silent() == {"web", "beat", "worker-due", "worker-deliveries"}
        # Without a scheduler: nobody has to tell a worker that it lives.
        due, deliveries = running.worker("due"), running.worker("deliveries")
        wait_until(lambda: alive() == {"worker-due", "worker-deliveries"}, "both workers beat")
        web = running.web()
        wait_until(lambda: silent() == {"beat"}, "the web process beats")
        beat = running.beat()
        wait_until(lambda: silent() == set(), "the scheduler's ticks come through")

        deliveries.kill()
        advance_clock(seconds=60)
        wait_until(lambda: silent() == {"worker-deliveries"}, "the others beat again")
        beat.kill()
        web.process.kill()
        advance_clock(seconds=60)
        wait_until(lambda: alive() == {"worker-due"}, "one goes on")
        due.kill()
