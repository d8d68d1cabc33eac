"""Hundreds of streams on one web process, and its end."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.test import Client

from bench.streams import Listener, open_streams
from hitlconsole.accounts.models import Team
from tests.factories import make_agent, make_reviewer, make_team
from tests.live.conftest import Desk, Floor
from tests.live.test_streams import ask
from tests.processes import Web
from tests.processes import console as running_console

EACH = 15


def cookies_for(team: Team, streams: int) -> list[str]:
    """Sessions of as many people as it takes."""
    found = []
    for _ in range(-(-streams // EACH)):
        client = Client()
        client.force_login(make_reviewer(team))
        found.append(f"sessionid={client.cookies['sessionid'].value}")
    return found


def address(web: Web) -> tuple[str, int]:
    parts = urlsplit(web.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def test_five_hundred_pages_hear_of_one_request(floor: Floor, desk: Desk) -> None:
    async def hear(cookies: Sequence[str]) -> list[int]:
        listeners = await open_streams(address(floor.web), cookies, 500)
        await asyncio.sleep(0.5)
        before = [listener.changes for listener in listeners]
        expected = [listener.expect() for listener in listeners]
        await asyncio.to_thread(ask, floor, desk.key)
        async with asyncio.timeout(20):
            await asyncio.gather(*expected)
        await asyncio.sleep(0.5)
        heard = [one.changes - was for one, was in zip(listeners, before, strict=True)]
        for listener in listeners:
            listener.close()
        return heard

    assert asyncio.run(hear(cookies_for(desk.team, 500))) == [1] * 500


def test_a_stop_says_bye_to_three_hundred_streams_and_is_quick(
    committed_db: str, tmp_path: Path
) -> None:
    team = make_team()
    make_agent(team)
    cookies = cookies_for(team, 300)

    async def hear(web: Web) -> tuple[list[bool], float]:
        listeners: list[Listener] = await open_streams(address(web), cookies, 300)
        began = time.monotonic()
        await asyncio.to_thread(web.process.stop)
        return list(
            await asyncio.gather(*(one.ended for one in listeners))
        ), time.monotonic() - began

    with running_console(committed_db, tmp_path) as console:
        byes, seconds = asyncio.run(hear(console.web()))
    assert byes == [True] * 300
    # Below what the server would wait for connections that don't end.
    assert seconds < 3
