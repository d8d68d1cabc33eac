"""Postgres and Valkey under our supervision, or the servers that the environment names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from hitlconsole.local.console import LocalError, say
from hitlconsole.local.environment import Environment
from hitlconsole.local.logs import tail
from hitlconsole.local.paths import Paths, secret, write_private
from hitlconsole.local.ports import free_port
from hitlconsole.local.postgres import (
    PREPARED_MARK,
    SUPERUSER,
    SUPERUSER_SECRET,
    Server,
    prepare_server,
)
from hitlconsole.local.supervisor import Program, Supervisor
from hitlconsole.local.valkey import valkey_program, valkey_ready

DATABASE, OWNER, APP = "hitl_console", "hitl_owner", "hitl_app"
# Grows when the roles or extensions of a new server change: every server is then prepared again.
PREPARED = "1"
ATTEMPTS = 3


@dataclass(frozen=True)
class Ports:
    """Of our own servers; None where an outside one is used."""

    postgres: int | None = None
    valkey: int | None = None


def uses_outside(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def start_services(
    supervisor: Supervisor, environment: Environment, environ: Mapping[str, str]
) -> Ports:
    """Both servers answer when this returns, and the database with its roles is there."""
    durable = environ.get("HITL_LOCAL_DURABLE", "1") != "0"
    outside_postgres = uses_outside(environ, "DATABASE_URL")
    if uses_outside(environ, "DATABASE_OWNER_URL") and not outside_postgres:
        raise LocalError("DATABASE_OWNER_URL is set without DATABASE_URL")
    valkey = None
    if not uses_outside(environ, "REDIS_URL"):
        valkey = _start_valkey(supervisor, environment, durable=durable)
    postgres = None
    if not outside_postgres:
        postgres = _start_postgres(supervisor, environment, durable=durable)
    supervisor.note(postgres_port=postgres, valkey_port=valkey)
    return Ports(postgres=postgres, valkey=valkey)


def service_variables(paths: Paths, ports: Ports) -> dict[str, str]:
    """How the application reaches our own servers; outside ones it knows already."""
    variables: dict[str, str] = {}
    if ports.postgres:
        for name, role in (("DATABASE_URL", APP), ("DATABASE_OWNER_URL", OWNER)):
            password = quote(secret(paths, role), safe="")
            address = f"127.0.0.1:{ports.postgres}/{DATABASE}"
            variables[name] = f"postgres://{role}:{password}@{address}"
    if ports.valkey:
        password = quote(secret(paths, "valkey"), safe="")
        for name, number in (("REDIS_URL", 0), ("HITL_BROKER_URL", 1)):
            variables[name] = f"redis://:{password}@127.0.0.1:{ports.valkey}/{number}"
    return variables


def _start_valkey(supervisor: Supervisor, environment: Environment, *, durable: bool) -> int:
    paths = supervisor.paths
    password = secret(paths, "valkey")
    return _start_on_free_port(
        supervisor,
        lambda port: valkey_program(paths, environment.site_packages, port, durable=durable),
        lambda port: valkey_ready(port, password),
    )


def _start_postgres(supervisor: Supervisor, environment: Environment, *, durable: bool) -> int:
    server = prepare_server(supervisor.paths, environment.site_packages, durable=durable)
    port = _start_on_free_port(supervisor, server.program, server.ready)
    _prepare_database(supervisor, environment, server, port)
    say(f"PostgreSQL {server.binaries.major} and Valkey are ready")
    return port


def _prepare_database(
    supervisor: Supervisor, environment: Environment, server: Server, port: int
) -> None:
    mark = server.base / PREPARED_MARK
    if mark.exists() and mark.read_text() == PREPARED:
        return
    paths = supervisor.paths
    variables = {
        "PATH": "/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": SUPERUSER,
        "PGPASSWORD": secret(paths, SUPERUSER_SECRET),
        "HITL_OWNER_PASSWORD": secret(paths, OWNER),
        "HITL_APP_PASSWORD": secret(paths, APP),
    }
    command = [str(environment.python), "-m", "hitlconsole.local.database", "prepare"]
    supervisor.step(command, env=variables, what="preparing the database")
    write_private(mark, PREPARED)


def _start_on_free_port(
    supervisor: Supervisor, program: Callable[[int], Program], ready: Callable[[int], bool]
) -> int:
    """Tries again when the port was taken in the moment between finding and using it."""
    for _ in range(ATTEMPTS):
        port = free_port()
        candidate = program(port)
        if _started(supervisor, candidate, partial(ready, port)):
            return port
    log = supervisor.paths.log / f"{candidate.name}.log"
    raise LocalError(f"{candidate.name} does not start:\n{tail(log)}")


def _started(supervisor: Supervisor, program: Program, ready: Callable[[], bool]) -> bool:
    supervisor.start(program)
    supervisor.wait_until(lambda: ready() or supervisor.died(program.name), seconds=60)
    if not supervisor.died(program.name):
        return True
    supervisor.forget(program.name)
    return False
