"""TCP ports on this machine."""

import socket
from contextlib import closing
from types import TracebackType
from typing import Self


def free_port() -> int:
    with closing(_bound("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


class SharedPort:
    """A port held for several processes, each with a socket of its own on it.

    The kernel spreads new connections evenly over the sockets that listen; from a single shared
    socket one quick process takes nearly all. While this object is open the port stays ours,
    even in the moment when all of the processes are dead.
    """

    def __init__(self, bind: str, wanted: int) -> None:
        """Takes a free port instead where the wanted one is taken (or is 0)."""
        self.bind = bind
        self._reservation = _reserve(bind, wanted)
        self.number: int = self._reservation.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reservation.close()

    def socket(self) -> socket.socket:
        """Bound, not yet listening: connections come once the process that gets it is ready."""
        return _bound(self.bind, self.number, shared=True)


def _reserve(bind: str, wanted: int) -> socket.socket:
    try:
        # Sharing would succeed beside another console of the same user: look without it first.
        _bound(bind, wanted).close()
        return _bound(bind, wanted, shared=True)
    except OSError:
        if wanted == 0:
            raise
        return _bound(bind, 0, shared=True)


def _bound(bind: str, port: int, *, shared: bool = False) -> socket.socket:
    found = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            # Accepted connections inherit it; the server does not set it on sockets it was given,
            # and then the second part of an answer waits 40 ms for the first one's receipt.
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.bind((bind, port))
    except OSError:
        found.close()
        raise
    return found


def connectable(bind: str) -> str:
    """The address under which we reach what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104
