"""The harness itself: what it starts can be killed and held up, and never stays behind."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import redis

from hitlconsole.local.paths import ROOT
from hitlconsole.local.process import birth_of
from tests.processes import console, wait_until

pytestmark = pytest.mark.stack

# Starts Redis and a scheduler, says their process ids, and waits to be interrupted.
INTERRUPTED = """
import sys, time
from pathlib import Path
from tests.processes import console
with console("postgres", Path(sys.argv[1])) as running:
    print(running.redis.process.pid, running.beat().pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind_however_a_test_ends(signum: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as test:
        assert test.stdout is not None
        pids = [int(word) for word in test.stdout.readline().split()]
        assert [birth_of(pid) is not None for pid in pids] == [True, True]
        test.send_signal(signum)
    wait_until(lambda: [birth_of(pid) for pid in pids] == [None, None], "both have ended")


def test_a_web_process_is_killed_and_held_up(committed_db: str, tmp_path: Path) -> None:
    with console(committed_db, tmp_path) as running:
        web = running.web()
        assert httpx.get(f"{web.url}/healthz").text == "ok"
        web.process.pause()
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{web.url}/healthz", timeout=0.3)
        web.process.resume()
        assert httpx.get(f"{web.url}/healthz").text == "ok"
        web.process.kill()
        assert not web.process.alive
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{web.url}/healthz", timeout=0.3)


def test_redis_comes_back_empty_at_the_same_place(committed_db: str, tmp_path: Path) -> None:
    with console(committed_db, tmp_path) as running:
        url = running.redis.url(0)
        with redis.Redis.from_url(url) as client:
            client.set("key", "value")
        running.redis.kill()
        with redis.Redis.from_url(url) as client, pytest.raises(redis.ConnectionError):
            client.ping()
        running.redis.start_empty()
        with redis.Redis.from_url(url) as client:
            assert client.dbsize() == 0


def test_the_application_gets_its_own_role_alone(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgres://owner@db/x")
    with console(committed_db, tmp_path, HITL_EXTRA="1") as running:
        given = running.variables
        assert "DATABASE_OWNER_URL" not in given
        assert given["DATABASE_URL"].endswith(f"/{committed_db}")
        assert given["HITL_EXTRA"] == "1"
