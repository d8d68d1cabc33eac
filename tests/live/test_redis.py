"""Redis carries the news, and nothing waits for it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hitlconsole.lib.broadcast import TIMEOUT_SECONDS, Broadcaster
from tests.factories import make_agent, make_reviewer, make_team
from tests.live.conftest import Floor
from tests.live.reader import Reader
from tests.live.test_streams import ask
from tests.processes import Redis
from tests.processes import console as running_console


@dataclass(frozen=True)
class Place:
    floor: Floor
    key: str
    reader: Reader

    @property
    def redis(self) -> Redis:
        return self.floor.console.redis

    def wait_until_told_that_it_hears(self, hears: bool) -> None:
        while self.reader.wait_for("beat", 30).data["hears"] is not hears:
            pass

    def is_told_of_a_request(self) -> bool:
        self.reader.heard("change", 4.0)
        request_id = ask(self.floor, self.key)
        return self.reader.wait_for("change").data == {"requests": [request_id]}


@pytest.fixture
def place(committed_db: str, tmp_path: Path) -> Iterator[Place]:
    team = make_team()
    with running_console(committed_db, tmp_path) as console, ExitStack() as clients:
        floor = Floor(console, console.web(), clients)
        yield Place(floor, make_agent(team)[1], floor.reader(make_reviewer(team)))


def test_while_redis_is_away_pages_are_told_so_and_then_that_something_was_missed(
    place: Place,
) -> None:
    place.redis.kill()
    place.wait_until_told_that_it_hears(False)
    ask(place.floor, place.key)
    assert place.reader.heard("change", 1.0) == []
    place.redis.start_empty()
    place.wait_until_told_that_it_hears(True)
    assert place.reader.wait_for("change").data == {"requests": None}
    assert place.is_told_of_a_request()


def test_a_redis_that_hangs_is_noticed_and_holds_up_no_submission(place: Place) -> None:
    place.redis.process.pause()
    for _ in range(5):
        ask(place.floor, place.key)
    place.wait_until_told_that_it_hears(False)
    place.redis.process.resume()
    place.wait_until_told_that_it_hears(True)
    assert place.reader.wait_for("change").data == {"requests": None}
    assert place.is_told_of_a_request()


@pytest.fixture
def mute_redis() -> Iterator[str]:
    """It takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        server.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()


def test_telling_never_waits_for_a_redis_that_does_not_answer(
    mute_redis: str, caplog: pytest.LogCaptureFixture
) -> None:
    broadcaster = Broadcaster(mute_redis)
    longest = 0.0
    until = time.monotonic() + 2
    while time.monotonic() < until:
        began = time.monotonic()
        broadcaster.tell([("changed", "team", "agent", str(began))])
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.01)
    assert longest < TIMEOUT_SECONDS
    said = [record for record in caplog.records if record.name == "hitlconsole.lib.broadcast"]
    assert [record.getMessage()[:35] for record in said] == ["open pages can't be told of changes"]
    broadcaster.finish()
