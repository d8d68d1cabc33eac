"""Redis carries the news, and nothing waits for it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hitlconsole.lib.broadcast import TIMEOUT_SECONDS, Broadcaster
from tests.factories import make_agent, make_reviewer, make_team
from tests.live.conftest import Desk, Floor, signed_in
from tests.live.reader import Reader
from tests.live.test_streams import ask
from tests.processes import console as running_console


def test_while_redis_is_away_pages_are_told_so_and_then_that_something_was_missed(
    committed_db: str, tmp_path: Path
) -> None:
    team = make_team()
    agent, key = make_agent(team)
    desk = Desk(team, make_reviewer(team), agent, key)
    with running_console(committed_db, tmp_path) as console:
        web = console.web()
        with ExitStack() as clients, signed_in(web.url, desk.ana) as http:
            floor = Floor(console, web, clients)
            reader = Reader(http).listening()
            console.redis.kill()
            while reader.wait_for("beat").data["hears"]:
                pass
            ask(floor, desk.key)
            assert reader.heard("change", 1.0) == []
            console.redis.start_empty()
            while not reader.wait_for("beat").data["hears"]:
                pass
            assert reader.wait_for("change").data == {"requests": None}
            reader.heard("change", 5.0)
            request_id = ask(floor, desk.key)
            assert reader.wait_for("change").data == {"requests": [request_id]}


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
