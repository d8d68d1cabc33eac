"""Operating system processes: started so that they end with us, and recognised later."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
# macOS names no limit and refuses to set it; it grants any process this much.
MACOS_OPEN_MAX = 10_240
HAS_PROC = Path("/proc/self/stat").exists()


@dataclass(frozen=True)
class Account:
    """The user as whom a process runs, where that is not our own."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Identity:
    """A process id with the moment of its birth, because process ids are used again."""

    pid: int
    birth: str

    def alive(self) -> bool:
        return birth_of(self.pid) == self.birth


def birth_of(pid: int) -> str | None:
    """What tells this process from an earlier one with the same id; None when it has ended."""
    if HAS_PROC:
        return _birth_from_proc(pid)
    listing = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return listing[1].strip() if len(listing) == 2 and not listing[0].startswith("Z") else None


def _birth_from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may itself hold brackets.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def identify(pid: int) -> Identity | None:
    birth = birth_of(pid)
    return Identity(pid, birth) if birth else None


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    output: int | IO[bytes] | None,
    account: Account | None = None,
    pass_fds: Sequence[int] = (),
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """A child that gets `death_signal` should we die without a word.

    All it says goes to `output`; it reads nothing and has a session of its own, so that Ctrl-C
    reaches us alone. With None it is a foreground command: it shares our terminal.
    """
    foreground = output is None
    return subprocess.Popen(
        argv,
        env=dict(env),
        cwd=cwd,
        stdin=None if foreground else subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=not foreground,
        pass_fds=pass_fds,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=_die_with_parent(death_signal),
    )


def _die_with_parent(signum: signal.Signals) -> Callable[[], None] | None:
    """For the child, before it becomes the new program. Linux only; elsewhere the next start
    finds what was left. The kernel watches the parent's *thread*: call from the main one."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(signum))
        if os.getppid() != parent:
            os._exit(1)

    return arm


def raise_file_limit() -> None:
    """As many open files as the machine allows us, for what we start: a waiting agent is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = MACOS_OPEN_MAX if hard == unlimited else hard
    if soft != unlimited and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def send(identity: Identity, signum: signal.Signals) -> None:
    if identity.alive():
        with suppress(ProcessLookupError):
            os.kill(identity.pid, signum)


def kill_group(pid: int) -> None:
    """Ends the process and whatever it started, at once."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def end_all(found: Iterable[tuple[Identity, signal.Signals]], seconds: float) -> None:
    """Asks each with its signal, waits, and kills what is still there. For other's children."""
    alive = [(identity, signum) for identity, signum in found if identity.alive()]
    for identity, signum in alive:
        send(identity, signum)
    deadline = time.monotonic() + seconds
    while any(identity.alive() for identity, _ in alive) and time.monotonic() < deadline:
        time.sleep(0.05)
    for identity, _ in alive:
        if identity.alive():
            kill_group(identity.pid)
