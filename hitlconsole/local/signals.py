"""Requests to stop, looked at between two steps instead of striking in the middle of one."""

import os
import select
import signal
from types import FrameType

from hitlconsole.local.console import Stopped

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """After install(): SIGINT, SIGTERM and SIGHUP set `requested` and end a wait() early."""

    def __init__(self) -> None:
        self.requested: signal.Signals | None = None
        self._wakeup, self._writer = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._writer, False)

    def install(self) -> None:
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._wake)
        for signum in STOPPING:
            # Under nohup the terminal's end is to be survived. SIGINT, which a script's background
            # jobs ignore, is taken all the same, and so is not ignored by our children.
            if signum is not signal.SIGHUP or signal.getsignal(signum) is not signal.SIG_IGN:
                signal.signal(signum, self._request)

    def wait(self, seconds: float) -> None:
        """Until a signal arrives (the end of a child too), at most so long."""
        if select.select([self._wakeup], [], [], seconds)[0]:
            os.read(self._wakeup, 4096)

    def check(self) -> None:
        if self.requested:
            raise Stopped(self.requested.name)

    def take(self) -> signal.Signals | None:
        """The signal that asked for the end, once, for somebody who will see to it."""
        requested, self.requested = self.requested, None
        return requested

    def _request(self, signum: int, frame: FrameType | None) -> None:
        self.requested = signal.Signals(signum)

    def _wake(self, signum: int, frame: FrameType | None) -> None:
        """Installed so that SIGCHLD reaches the wake-up descriptor at all."""
