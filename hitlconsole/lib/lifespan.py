"""A web process from its start to its stop, as the ASGI server tells of it."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from hitlconsole.lib.rawasgi import Receive, Send

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def live(
    receive: Receive,
    send: Send,
    *,
    on_stopping: Callable[[], None],
    on_stopped: Callable[[], Awaitable[None]],
) -> None:
    """`on_stopping` comes with the signal, before the server waits for its open connections;
    `on_stopped` when they are gone.
    """
    await receive()
    with told_of_signals(on_stopping):
        await send({"type": "lifespan.startup.complete"})
        await receive()
        on_stopping()
        await on_stopped()
    await send({"type": "lifespan.shutdown.complete"})


@contextmanager
def told_of_signals(callback: Callable[[], None]) -> Iterator[None]:
    """Calls back in the running loop, then lets the handlers that were there do their work."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals come to the main thread only
        return
    loop = asyncio.get_running_loop()
    earlier = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        handler = earlier[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
