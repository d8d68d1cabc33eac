"""Signs of life while a process runs, and while its database is away."""

import asyncio
import threading
import time
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from hitlconsole.lib import pulse
from hitlconsole.lib.heartbeats import INSTANCE, Service
from hitlconsole.lib.models import Heartbeat
from hitlconsole.lib.pulse import Pulse, PulseThread


def until(done: Any) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_beat_is_one_stretch_for_each_service(committed_db: str) -> None:
    for _ in range(2):
        Pulse([Service.DUE, Service.DELIVERIES]).beat()
    stretches = Heartbeat.objects.order_by("kind").values_list("kind", "instance")
    assert list(stretches) == [("worker-deliveries", INSTANCE), ("worker-due", INSTANCE)]


def test_an_outage_is_survived_and_told_once(
    committed_db: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [OperationalError("away"), InterfaceError("closed"), None, OperationalError("again")]
    beats: list[Service] = []

    def record(service: Service) -> None:
        if failure := failures.pop(0):
            raise failure
        beats.append(service)

    monkeypatch.setattr(pulse, "record_heartbeat", record)
    one = Pulse([Service.WEB])
    for _ in range(4):
        one.beat()
    assert beats == [Service.WEB]
    assert [record.message for record in caplog.records] == [
        "no sign of life could be recorded: away",
        "no sign of life could be recorded: again",
    ]


def test_the_thread_beats_until_it_is_stopped(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.05)
    beats: list[Service] = []
    monkeypatch.setattr(pulse, "record_heartbeat", beats.append)
    thread = PulseThread([Service.DUE])
    thread.start()
    until(lambda: len(beats) > 2)
    thread.stop()
    assert "pulse" not in [one.name for one in threading.enumerate()]


def test_a_loop_that_hangs_gives_no_sign_of_life(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.05)
    beats: list[float] = []
    monkeypatch.setattr(pulse, "record_heartbeat", lambda _: beats.append(time.monotonic()))

    async def scene() -> tuple[float, float]:
        running = asyncio.create_task(Pulse([Service.WEB]).run())
        while len(beats) < 3:
            await asyncio.sleep(0.01)
        begun = time.monotonic()
        time.sleep(0.5)  # what hangs
        ended = time.monotonic()
        await asyncio.sleep(0.2)
        running.cancel()
        return begun, ended

    begun, ended = asyncio.run(scene())
    # A beat that was under way may still end.
    assert len([at for at in beats if begun + 0.1 < at < ended]) == 0
    assert beats[-1] > ended
