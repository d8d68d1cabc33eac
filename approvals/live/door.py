"""GET /live/: events for the pages of one person, beside Django, for as long as they are open."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from approvals.api.answers import COMMON_HEADERS, Answer, error_answer
from approvals.live.hub import hub
from approvals.live.stream import Stream
from approvals.live.viewers import Sight, Ticket, admit
from hitlconsole.accounts.sessions import EXPIRED_HEADER
from hitlconsole.lib.rawasgi import Receive, Scope, Send, header, send_response, until_gone
from hitlconsole.lib.units import unit_of_work

LIVE = "/live/"
READERS = 2
READ_SECONDS = 10.0


class LiveDoor:
    def __init__(self) -> None:
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="live-read")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = await self._admit(scope)
        except Exception as error:  # noqa: BLE001 - told to the caller, and logged there
            found = error_answer(error)
        if isinstance(found, Answer):
            headers = (("Content-Type", found.content_type), *found.headers, *COMMON_HEADERS)
            await send_response(scope, send, found.status, headers, found.body)
        else:
            await _serve(Stream(*found, hears=hub().hears), receive, send)

    async def _admit(self, scope: Scope) -> Answer | tuple[Ticket, Sight]:
        """Whose stream it is. The database is given back before anything is streamed."""
        if scope["method"] != "GET":
            return _plain(405, "This address takes GET.", ("Allow", "GET"))
        if scope["query_string"]:
            return _plain(400, "This address takes no parameters.")
        cookies = header(scope, b"cookie") or ""
        async with asyncio.timeout(READ_SECONDS):
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._readers, unit_of_work(admit), cookies)
        return found or _plain(401, "Your session has ended.", (EXPIRED_HEADER, "expired"))

    def stop(self) -> None:
        self._readers.shutdown(wait=False, cancel_futures=True)


def _plain(status: int, words: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, words.encode(), "text/plain; charset=utf-8", headers)


async def _serve(stream: Stream, receive: Receive, send: Send) -> None:
    """It is in the hub before its first word: what changes from then on, it hears of."""
    hub().enter(stream)
    watch = asyncio.ensure_future(until_gone(receive))
    watch.add_done_callback(lambda _: stream.reader_gone())
    try:
        await stream.talk(send)
    finally:
        hub().leave(stream)
        watch.cancel()
