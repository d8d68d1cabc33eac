"""Giving signs of life while a process runs, from a thread of its own."""

import logging
import threading
from collections.abc import Iterable

from django.db import DatabaseError

from hitlconsole.lib.heartbeats import EVERY_SECONDS, Service, record_heartbeat
from hitlconsole.lib.units import unit_of_work

logger = logging.getLogger(__name__)


class Pulse:
    """Beats at once and then every ten seconds, until it is stopped; survives an outage."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._services = tuple(services)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._failed = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            self._beat()
            if self._stopped.wait(EVERY_SECONDS):
                return

    def _beat(self) -> None:
        try:
            _record(self._services)
        except DatabaseError as error:
            if not self._failed:  # an outage is told once, not every ten seconds
                logger.warning("no sign of life could be recorded: %s", error)
            self._failed = True
        else:
            self._failed = False


@unit_of_work
def _record(services: Iterable[Service]) -> None:
    for service in services:
        record_heartbeat(service)
