"""The console's own processes and the environment they get."""

import http.client
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hitlconsole.local.environment import Environment
from hitlconsole.local.paths import Paths, secret
from hitlconsole.local.ports import SharedPort
from hitlconsole.local.services import Ports, service_variables
from hitlconsole.local.supervisor import Program

WEB_PROCESSES = 2


def application_variables(
    environ: Mapping[str, str], paths: Paths, ports: Ports, url: str | None
) -> dict[str, str]:
    """Everything of ours in the environment; what its owner has set himself stays."""
    secret(paths, "secret_key")
    # The import path that found this module is no business of the processes.
    inherited = {k: v for k, v in environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    defaults = {
        "HITL_ALLOWED_HOSTS": "127.0.0.1,localhost",
        **({"HITL_BASE_URL": url} if url else {}),
        **({} if "HITL_SECRET_KEY" in environ else {"HITL_SECRET_KEY_FILE": _secret_key(paths)}),
    }
    ours = {
        "DJANGO_SETTINGS_MODULE": "hitlconsole.settings",
        "HITL_HOME": str(paths.home),
        "PYTHONUNBUFFERED": "1",
        **service_variables(paths, ports),
    }
    return {**defaults, **inherited, **ours}


def _secret_key(paths: Paths) -> str:
    return str(paths.secrets / "secret_key")


def django_command(environment: Environment, *arguments: str) -> list[str]:
    return [str(environment.python), str(environment.root / "manage.py"), *arguments]


def migrate_command(environment: Environment, variables: Mapping[str, str]) -> list[str]:
    return django_command(environment, "migrate", "--noinput", *owner_option(variables))


def owner_option(variables: Mapping[str, str]) -> list[str]:
    """Migrations run as the role that owns the tables, where there is one of its own."""
    named = "DATABASE_OWNER_URL" in variables or "DATABASE_OWNER_URL_FILE" in variables
    return ["--database", "owner"] if named else []


def web_programs(
    environment: Environment, variables: Mapping[str, str], port: SharedPort
) -> list[Program]:
    options = {
        "--fd": "{fd}",
        "--loop": "uvloop",
        "--http": "httptools",
        "--lifespan": "on",
        "--timeout-graceful-shutdown": "3",
        "--log-level": "warning",
    }
    # A proxy's word about the client counts only where somebody has named the proxy.
    flags = ["--no-server-header"]
    if "FORWARDED_ALLOW_IPS" not in variables:
        flags.append("--no-proxy-headers")
    words = [word for option in options.items() for word in option]
    argv = [
        *(str(environment.python), "-m", "uvicorn", "hitlconsole.asgi:application"),
        *words,
        *flags,
    ]
    return [
        Program(f"web-{number}", argv, variables, environment.root, listener=port.socket)
        for number in range(1, WEB_PROCESSES + 1)
    ]


def background_programs(
    environment: Environment, variables: Mapping[str, str], home: Path
) -> list[Program]:
    celery = [str(environment.python), "-m", "celery", "-A", "hitlconsole"]
    beat = ["beat", "-l", "warning", "-s", str(home / "beat-schedule"), "--pidfile="]
    return [
        # Apart, so that a long catch-up of time limits does not keep messages waiting.
        Program("worker", [*celery, *_worker("due")], variables, environment.root),
        Program("messenger", [*celery, *_worker("deliveries")], variables, environment.root),
        Program("beat", [*celery, *beat], variables, environment.root),
    ]


def _worker(queue: str) -> list[str]:
    name = ["-n", f"{queue}@%h"]
    return ["worker", "-Q", queue, "-P", "threads", "-c", "2", "-l", "warning", *name]


def agents_program(environment: Environment, variables: Mapping[str, str], url: str) -> Program:
    command = django_command(environment, "demo_agents", "--url", url)
    return Program("agents", command, variables, environment.root)


def healthy(address: str, port: int, base_url: str) -> bool:
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": urlsplit(base_url).netloc})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
