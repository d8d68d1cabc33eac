"""Giving signs of life for as long as a process runs."""

import asyncio
import logging
import threading
from collections.abc import Iterable

from django.db import Error

from hitlconsole.lib.heartbeats import EVERY_SECONDS, Service, record_heartbeat
from hitlconsole.lib.units import unit_of_work

logger = logging.getLogger(__name__)


class Pulse:
    """Beats for some services. An outage of the database is survived, and told once."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._services = tuple(services)
        self._failed = False

    def beat(self) -> None:
        try:
            self._record()
        except Error as error:
            if not self._failed:
                logger.warning("no sign of life could be recorded: %s", error)
            self._failed = True
        else:
            self._failed = False

    @unit_of_work
    def _record(self) -> None:
        for service in self._services:
            record_heartbeat(service)

    async def run(self) -> None:
        """At once and then every ten seconds, until it is cancelled: in the loop that serves, so
        that a process whose loop hangs gives no sign of life.
        """
        while True:
            await asyncio.to_thread(self.beat)
            await asyncio.sleep(EVERY_SECONDS)


class PulseThread:
    """Beats at once and then every ten seconds, from a thread of its own, until it is stopped."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._pulse = Pulse(services)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            self._pulse.beat()
            if self._stopped.wait(EVERY_SECONDS):
                return
