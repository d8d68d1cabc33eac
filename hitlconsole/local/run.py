"""`./run` and `./run demo`: everything from the packages to the page, until somebody stops it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from hitlconsole.local.application import (
    agents_program,
    application_variables,
    background_programs,
    django_command,
    healthy,
    migrate_command,
    web_programs,
)
from hitlconsole.local.console import LocalError, Stopped, say
from hitlconsole.local.environment import RUNTIME, Environment, ensure_environment
from hitlconsole.local.home import hold_home
from hitlconsole.local.logs import tail
from hitlconsole.local.paths import Paths, write_private
from hitlconsole.local.ports import SharedPort, connectable
from hitlconsole.local.process import raise_file_limit
from hitlconsole.local.services import start_services
from hitlconsole.local.signals import StopSignals
from hitlconsole.local.static_files import static_fingerprint
from hitlconsole.local.supervisor import Supervisor

PATIENCE = 120.0
# Exit codes of database.py has-admin.
HAS_ADMIN, HAS_NO_ADMIN = 0, 3


@dataclass(frozen=True)
class Address:
    """Where the web processes listen, and the URL under which people find them."""

    host: str
    port: int
    url: str


def run(paths: Paths, environ: Mapping[str, str], *, demo: bool) -> int:
    wanted = _port_from(environ)
    raise_file_limit()
    signals = StopSignals()
    signals.install()
    mode = "demo" if demo else "run"
    try:
        with hold_home(paths, signals), Supervisor(paths, signals, mode) as supervisor:
            environment = ensure_environment(paths, RUNTIME, signals)
            _serve(supervisor, environment, environ, wanted, demo=demo)
    except Stopped as stopped:
        say(f"stopped ({stopped})")
    return 0


def _serve(
    supervisor: Supervisor,
    environment: Environment,
    environ: Mapping[str, str],
    wanted: int,
    *,
    demo: bool,
) -> None:
    bind = environ.get("HITL_BIND", "127.0.0.1")
    ports = start_services(supervisor, environment, environ)
    with SharedPort(bind, wanted) as port:
        address = _address(bind, port.number)
        if wanted not in (0, address.port):
            say(f"port {wanted} is taken: using {address.port}")
        variables = application_variables(environ, supervisor.paths, ports, address.url)
        if demo:
            variables = _with_mailbox(supervisor.paths, variables)
        _prepare(supervisor, environment, variables, demo=demo)
        _start_application(supervisor, environment, variables, port)
        _await_health(supervisor, address, variables["HITL_BASE_URL"])
        supervisor.note(phase="up", url=address.url)
        _announce(supervisor, environment, variables, address, demo=demo)
        supervisor.wait_until(lambda: False)


def _with_mailbox(paths: Paths, variables: Mapping[str, str]) -> dict[str, str]:
    """The demonstration writes its mail into a folder, unless a mail server is named."""
    mailbox = paths.home / "mail"
    mailbox.mkdir(exist_ok=True)
    return {"HITL_EMAIL_URL": f"filemail:///{mailbox}", **variables}


def _port_from(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT", "8000")
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise LocalError(f"PORT must be a number from 0 to 65535, not {text!r}")
    return int(text)


def _address(bind: str, port: int) -> Address:
    host = connectable(bind)
    shown = f"[{host}]" if ":" in host else host
    return Address(host=host, port=port, url=f"http://{shown}:{port}")


def _prepare(
    supervisor: Supervisor, environment: Environment, variables: Mapping[str, str], *, demo: bool
) -> None:
    command = migrate_command(environment, variables)
    supervisor.step(command, env=variables, what="migrating the database")
    say("database is up to date")
    collect_static(supervisor, environment, variables)
    if demo:
        command = django_command(environment, "demo_seed")
        supervisor.step(command, env=variables, what="seeding the demo")
        say("demo data is there")


def collect_static(
    supervisor: Supervisor, environment: Environment, variables: Mapping[str, str]
) -> None:
    stamp = supervisor.paths.stamps / "static"
    current = static_fingerprint(environment.root)
    if stamp.exists() and stamp.read_text() == current:
        return
    command = django_command(environment, "collectstatic", "--noinput", "--clear", "-v", "0")
    supervisor.step(command, env=variables, what="collecting static files")
    write_private(stamp, current)
    say("static files collected")


def _start_application(
    supervisor: Supervisor, environment: Environment, variables: Mapping[str, str], port: SharedPort
) -> None:
    home = supervisor.paths.home
    for program in web_programs(environment, variables, port):
        supervisor.start(program)
    for program in background_programs(environment, variables, home):
        supervisor.start(program)


def _await_health(supervisor: Supervisor, address: Address, base_url: str) -> None:
    if supervisor.wait_until(
        lambda: healthy(address.host, address.port, base_url), seconds=PATIENCE
    ):
        return
    log = supervisor.paths.log / "web-1.log"
    raise LocalError(f"the web process does not answer /healthz; the end of {log}:\n{tail(log)}")


def _announce(
    supervisor: Supervisor,
    environment: Environment,
    variables: Mapping[str, str],
    address: Address,
    *,
    demo: bool,
) -> None:
    say("up; Ctrl-C stops everything")
    print(f"\n  The console is at {address.url}\n", flush=True)
    if demo:
        say(f"mail of the demonstration goes to {supervisor.paths.home / 'mail'}")
        supervisor.start(agents_program(environment, variables, address.url))
        command = django_command(environment, "demo_links")
        if supervisor.run(command, env=variables, output=sys.stdout.fileno()) != 0:
            say("the sign-in links could not be made; ./run manage demo_links tries again")
    elif not _has_admin(supervisor, environment, variables):
        print("  There is no admin yet. Create one:\n", flush=True)
        print("    ./run manage create_admin you@example.com\n", flush=True)


def _has_admin(
    supervisor: Supervisor, environment: Environment, variables: Mapping[str, str]
) -> bool:
    command = [str(environment.python), "-m", "hitlconsole.local.database", "has-admin"]
    with (supervisor.paths.log / "steps.log").open("ab") as output:
        code = supervisor.run(command, env=variables, output=output)
    if code not in (HAS_ADMIN, HAS_NO_ADMIN):
        say("whether there is an admin could not be found out; see the log steps")
    return code != HAS_NO_ADMIN
