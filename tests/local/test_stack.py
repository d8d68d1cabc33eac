"""The whole console as people start it: its own home, servers, processes and port."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from hitlconsole.local.paths import ROOT
from hitlconsole.local.postgres import base_folder
from hitlconsole.local.process import birth_of
from hitlconsole.local.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
NAMES = ["valkey", "postgres", "web-1", "web-2", "worker", "messenger", "beat"]


@contextmanager
def _few_files() -> Iterator[None]:
    """What is started in here may open 256 files, until it asks for more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with _few_files(), Stack(tmp_path_factory.mktemp("stack") / "home") as stack:
        yield stack


def _health(url: str) -> int | None:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


def _soon(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Once is enough: asked again, a killed process may be missed again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def _door(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "run"), *arguments],
        env={**os.environ, "HITL_HOME": str(stack.paths.home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_status_names_the_page_and_every_process(stack: Stack) -> None:
    asked = _door(stack, "status")
    head, supervisor, *rows = asked.stdout.splitlines()
    assert (asked.returncode, head) == (0, f"run: up at {stack.url}")
    assert supervisor.split()[0] == "supervisor"
    assert sorted(row.split()[0] for row in rows) == sorted(NAMES)
    assert f"The console is at {stack.url}" in stack.output.read_text()
    # Whether there is an admin is asked once everything is up.
    assert _soon(lambda: "./run manage create_admin you@example.com" in stack.output.read_text())


def test_a_second_start_says_where_the_first_one_is(stack: Stack) -> None:
    refused = _door(stack)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"error: already running at {stack.url} (process {stack.state.pid}); ./run stop ends it\n"
    )


def test_the_application_is_no_superuser_and_cannot_change_the_tables(stack: Stack) -> None:
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        assert connection.execute(
            "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == ("hitl_app", False, False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")
    with psycopg.connect(stack.env["DATABASE_OWNER_URL"]) as connection:
        assert connection.execute(
            "SELECT current_user, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == ("hitl_owner", False, True)
        extensions = connection.execute("SELECT extname FROM pg_extension").fetchall()
    assert {"pg_trgm", "btree_gin"} <= {name for (name,) in extensions}


def test_what_runs_may_open_as_many_files_as_the_machine_allows(stack: Stack) -> None:
    """Each agent that waits for its answer is a connection."""
    hard = str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    limits = {name: _open_files(pid) for name in NAMES for pid in stack.pids(name)}
    assert limits == dict.fromkeys(NAMES, (hard, hard))


def _open_files(pid: int) -> tuple[str, str]:
    """The soft and the hard limit."""
    found = re.search(r"Max open files\s+(\d+)\s+(\d+)", Path(f"/proc/{pid}/limits").read_text())
    assert found
    return found[1], found[2]


def test_no_password_stands_on_a_command_line(stack: Stack) -> None:
    secrets = [file.read_text() for file in stack.paths.secrets.iterdir()]
    assert len(secrets) == 5
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert [secret for secret in secrets if secret in listing.stdout] == []


def test_manage_joins_the_running_console(stack: Stack) -> None:
    servers = [stack.pids("postgres"), stack.pids("valkey")]
    code = "import sys, json; from django.db import connection as c; k = c.cursor();"
    code += "k.execute('select current_user'); print(json.dumps([k.fetchone()[0], input()]));"
    ran = stack.manage("shell", "-v", "0", "-c", code + "sys.exit(7)", stdin="passed through\n")
    assert (ran.returncode, json.loads(ran.stdout)) == (7, ["hitl_app", "passed through"])
    assert [stack.pids("postgres"), stack.pids("valkey")] == servers


def test_killed_processes_come_back_while_the_page_stays(stack: Stack) -> None:
    url = stack.url
    before = {name: stack.pids(name) for name in NAMES}
    (killed,) = stack.kill("web-1")
    assert _soon(lambda: _health(url) == 200)
    assert _soon(lambda: stack.pids("web-1") not in ([], [killed]))
    stack.kill("postgres")
    stack.kill("valkey")
    stack.kill("web")
    assert _soon(lambda: all(stack.pids(name) not in ([], before[name]) for name in NAMES[:4]))
    assert _soon(lambda: _health(url) == 200)
    assert stack.url == url
    assert [stack.pids(name) for name in ("worker", "beat")] == [before["worker"], before["beat"]]


def test_the_end_leaves_nothing_and_a_killed_supervisor_is_cleared_away(tmp_path: Path) -> None:
    with Stack(tmp_path / "home") as stack:
        first = [stack.state.pid, *(process.pid for process in stack.state.processes)]
        os.kill(stack.state.pid, signal.SIGKILL)
        assert _soon(lambda: _door(stack, "status").returncode == 3)
        assert _door(stack, "stop").returncode == 0
        assert _living(first) == []
        stack.start()
        second = [stack.state.pid, *(process.pid for process in stack.state.processes)]
        assert len(_living(second)) == 1 + len(NAMES)
        started = time.monotonic()
        assert _door(stack, "stop").returncode == 0
        assert time.monotonic() - started < 10
        assert (_living(second), stack.stop()) == ([], 0)
        assert not stack.paths.state.exists()
    assert not stack.paths.home.exists()
    assert not base_folder(stack.paths.home).exists()


def _living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if birth_of(pid) is not None]


def test_a_home_made_anew_sets_an_old_database_aside(tmp_path: Path) -> None:
    """As root the data is outside of the home, and stays when somebody deletes that."""
    with Stack(tmp_path / "home") as stack:
        stack.stop()
        shutil.rmtree(stack.paths.secrets)
        stack.start()
        kept = base_folder(stack.paths.home) / "data.1"
        assert f"it is kept as {kept}" in stack.output.read_text()
        assert (kept / "PG_VERSION").exists()
        assert _health(stack.url) == 200
