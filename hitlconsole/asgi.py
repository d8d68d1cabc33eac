"""The web process: the lean door for agents, streams for open pages, health for whoever watches,
Django for the rest.
"""

import asyncio
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitlconsole.settings")
django.setup()  # what is imported below needs the apps

from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from approvals.api.lean import API, LeanDoor  # noqa: E402
from approvals.api.waiting import waiting_room  # noqa: E402
from approvals.live.door import LIVE, LiveDoor  # noqa: E402
from approvals.live.hub import hub  # noqa: E402
from approvals.metrics import CONTENT_TYPE, render_metrics  # noqa: E402
from hitlconsole.lib.checks import refuse_insecure_secret_key  # noqa: E402
from hitlconsole.lib.health import (  # noqa: E402
    HEALTH,
    METRICS,
    READY,
    answer_health,
    answer_metrics,
    answer_ready,
)
from hitlconsole.lib.heartbeats import Service  # noqa: E402
from hitlconsole.lib.lifespan import live  # noqa: E402
from hitlconsole.lib.pulse import Pulse  # noqa: E402
from hitlconsole.lib.rawasgi import Application, Receive, Scope, Send  # noqa: E402


class WebProcess:
    def __init__(self) -> None:
        self._django: Application = ASGIHandler()
        self._lean = LeanDoor(self._django)
        self._live = LiveDoor()
        self._pulse = Pulse([Service.WEB])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            pulse = asyncio.create_task(self._pulse.run())
            await live(receive, send, on_stopping=_stopping, on_stopped=self._stopped)
            pulse.cancel()
        elif scope["path"] == HEALTH:
            await answer_health(scope, send)
        elif scope["path"] == READY:
            await answer_ready(scope, send)
        elif scope["path"] == METRICS:
            await answer_metrics(scope, send, render_metrics, CONTENT_TYPE)
        elif scope["path"] == LIVE:
            await self._live(scope, receive, send)
        elif scope["path"].startswith(API):
            await self._lean(scope, receive, send)
        else:
            await self._django(scope, receive, send)

    async def _stopped(self) -> None:
        await waiting_room().stop()
        await hub().stop()
        self._lean.stop()
        self._live.stop()


def _stopping() -> None:
    waiting_room().close()
    hub().close()


refuse_insecure_secret_key()
application = WebProcess()
