"""The virtual environment: made from the lock files, found fresh by a stamp."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hitlconsole.local.console import LocalError, say
from hitlconsole.local.paths import Paths
from hitlconsole.local.process import spawn
from hitlconsole.local.signals import StopSignals

UV_LOCK = Path(__file__).with_name("uv.txt")
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class LockSet:
    """One set of packages. `covers`: the sets that are in it."""

    name: str
    file: str
    covers: tuple[str, ...] = ()


RUNTIME = LockSet("runtime", "requirements.txt")
DEVELOPMENT = LockSet("development", "requirements-dev.txt", covers=("runtime",))
LOCK_SETS = {lock_set.name: lock_set for lock_set in (RUNTIME, DEVELOPMENT)}


@dataclass(frozen=True)
class Environment:
    """A folder that holds the virtual environment of one project."""

    root: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return self.folder / "lib" / f"python{PYTHON_VERSION}" / "site-packages"

    def fingerprint(self, name: str) -> str:
        """Of the lock and the Python version: other packages, other fingerprint."""
        lock = (self.root / LOCK_SETS[name].file).read_bytes()
        return hashlib.sha256(lock + PYTHON_VERSION.encode()).hexdigest()

    def holds(self, name: str) -> bool:
        stamp = self._stamp(name)
        return (
            stamp.exists()
            and stamp.read_text() == self.fingerprint(name)
            and os.access(self.python, os.X_OK)
        )

    def stamp(self, lock_set: LockSet) -> None:
        for name in (lock_set.name, *lock_set.covers):
            self._stamp(name).write_text(self.fingerprint(name))

    def _stamp(self, name: str) -> Path:
        return self.folder / f"stamp-{name}"


def ensure_environment(paths: Paths, lock_set: LockSet, signals: StopSignals) -> Environment:
    """The environment with those packages in it, made or completed where needed."""
    environment = _place(paths, lock_set)
    if environment.holds(lock_set.name):
        return environment
    with _alone(environment.folder.parent):
        if not environment.holds(lock_set.name):
            say(f"installing the {lock_set.name} packages into {environment.folder}")
            _Installer(environment, signals).install(lock_set)
            environment.stamp(lock_set)
            say("packages installed")
    return environment


def _place(paths: Paths, lock_set: LockSet) -> Environment:
    """Beside the project; in the home where that cannot be written (nor is complete)."""
    beside = Environment(paths.root, paths.root / ".venv")
    target = beside.folder if beside.folder.exists() else paths.root
    if beside.holds(lock_set.name) or os.access(target, os.W_OK):
        return beside
    return Environment(paths.root, paths.home / "venv")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two starts at once must not install into the same environment."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another start that installs packages")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class _Installer:
    def __init__(self, environment: Environment, signals: StopSignals) -> None:
        self._environment = environment
        self._signals = signals
        self._tools = environment.folder / "tools"
        # pip's and uv's own settings stay as they are; a foreign import path does not.
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        # uv reads the system's certificates only when told to (two names by age).
        self._env |= {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true", "UV_NO_PROGRESS": "1"}
        # As root pip warns of the system's packages, which it does not touch here.
        self._env |= {"PIP_ROOT_USER_ACTION": "ignore"}

    def install(self, lock_set: LockSet) -> None:
        self._create()
        python = str(self._environment.python)
        lock = ["--require-hashes", "--no-deps", "-r", str(self._environment.root / lock_set.file)]
        uv = self._find_uv()
        if uv and self._run([uv, "pip", "install", "-q", "--python", python, *lock]):
            return
        say("installing with pip, which takes longer")
        pip = self._pip("--python", python, "install", "-q", "--no-input", *lock)
        if not pip or not self._run(pip):
            raise LocalError(
                "the packages could not be installed (see above). Needed are a network connection "
                "to a Python package index, and either pip for this Python or uv on the PATH."
            )

    def _create(self) -> None:
        """Without ensurepip, which Debian keeps in a package of its own."""
        folder = self._environment.folder
        if self._environment.site_packages.exists() and self._run(
            [str(self._environment.python), "-c", ""]
        ):
            return
        shutil.rmtree(folder, ignore_errors=True)
        if not self._run([sys.executable, "-m", "venv", "--without-pip", str(folder)]):
            raise LocalError(
                f"{sys.executable} cannot make a virtual environment: its module venv is missing"
            )

    def _find_uv(self) -> str | None:
        ours = self._tools / "uv" / "bin" / "uv"
        if ours.exists():
            return str(ours)
        if found := shutil.which("uv"):
            return found
        target = ["--target", str(ours.parent.parent), "--require-hashes", "-r", str(UV_LOCK)]
        pip = self._pip("install", "-q", "--no-input", *target)
        return str(ours) if pip and self._run(pip) else None

    def _pip(self, *arguments: str) -> list[str] | None:
        """A pip command: this Python's own, or one that ensurepip can give."""
        own = [sys.executable, "-m", "pip"]
        if self._run([*own, "--version"], quiet=True):
            return [*own, "--disable-pip-version-check", *arguments]
        helper = self._tools / "pip"
        python = str(helper / "bin" / "python")
        if not helper.exists() and not self._run([sys.executable, "-m", "venv", str(helper)]):
            shutil.rmtree(helper, ignore_errors=True)
            return None
        return [python, "-m", "pip", "--disable-pip-version-check", *arguments]

    def _run(self, argv: Sequence[str], *, quiet: bool = False) -> bool:
        """Chatter goes to standard error; a request to stop ends the command and raises."""
        output = subprocess.DEVNULL if quiet else sys.stderr.fileno()
        process = spawn(argv, env=self._env, cwd=self._environment.root, output=output)
        try:
            while process.poll() is None:
                self._signals.check()
                self._signals.wait(0.1)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        return process.returncode == 0
