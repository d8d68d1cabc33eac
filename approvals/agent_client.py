"""The agents' HTTP API from an agent's side: every call may be repeated, so outages are sat out.

Used by what plays agents here (replays, the demonstration); it imports nothing of the server.
"""

import asyncio
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

API = "/api/v1"
TIMEOUT = 20.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

Json = dict[str, Any]


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes longer than all the rest."""
    return httpx.create_ssl_context()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    replayed: bool
    body: Json


class ApiProblem(Exception):
    """The console refused: the members of its problem+json answer."""

    def __init__(self, status: int, body: Json) -> None:
        self.status = status
        self.body = body
        self.code = str(body.get("code", f"http_{status}"))
        self.detail = str(body.get("detail", ""))
        self.errors: list[Json] = list(body.get("errors", ()))
        super().__init__(self.words)

    @property
    def words(self) -> str:
        """The problem with the places of wrong fields, on one line."""
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in self.errors)
        return f"{self.code}: {places or self.detail}"


class ConsoleUnreachable(Exception):
    """No answer within the caller's patience."""


@dataclass(slots=True)
class AgentClient:
    """One key's view of the console. `patience`: seconds an outage is sat out, None for ever.

    `on_outage` hears in words about each outage once, before the first repetition.
    """

    url: str
    key: str
    patience: float | None = None
    connections: int = 16
    on_outage: Callable[[str], None] = lambda _words: None
    http: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.AsyncClient(
            base_url=self.url.rstrip("/"),
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=TIMEOUT,
            verify=_tls(),
            limits=httpx.Limits(max_connections=self.connections),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def submit(self, body: Json, *, idempotency_key: str) -> Answer:
        return await self.call(
            "POST", "/requests", json=body, headers={"Idempotency-Key": idempotency_key}
        )

    async def get(self, request_id: str, *, wait: int = 0, revision: int | None = None) -> Json:
        """With `wait`: as soon as the revision is above the given one, or the request closes."""
        params: dict[str, int] = {"wait": wait} if wait else {}
        if revision is not None:
            params["revision"] = revision
        path = f"/requests/{request_id}"
        return (await self.call("GET", path, params=params, timeout=TIMEOUT + wait)).body

    async def list(self, **filters: str) -> list[Json]:
        """All pages."""
        found: list[Json] = []
        while True:
            page = (await self.call("GET", "/requests", params=filters)).body
            found += page["items"]
            if page.get("next_cursor") is None:
                return found
            filters["cursor"] = page["next_cursor"]

    async def cancel(self, request_id: str, *, reason: str) -> Json:
        path = f"/requests/{request_id}/cancel"
        return (await self.call("POST", path, json={"reason": reason})).body

    async def send_message(self, request_id: str, *, text: str, idempotency_key: str) -> Json:
        path, headers = f"/requests/{request_id}/messages", {"Idempotency-Key": idempotency_key}
        return (await self.call("POST", path, json={"text": text}, headers=headers)).body

    async def claim(self, request_id: str, *, claim_id: str) -> Json:
        path = f"/requests/{request_id}/execution"
        return (await self.call("POST", path, json={"claim_id": claim_id})).body

    async def report(self, request_id: str, *, result: str, details: Json) -> Json:
        path = f"/requests/{request_id}/outcome"
        return (await self.call("POST", path, json={"result": result, "details": details})).body

    async def decide(self, request_id: str, decision: Json) -> Json:
        """For a person, with a service's key."""
        return (await self.call("POST", f"/requests/{request_id}/decision", json=decision)).body

    async def me(self) -> Json:
        return (await self.call("GET", "/agents/me")).body

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """Repeats until there is an answer below 500. Raises ApiProblem or ConsoleUnreachable."""
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), FIRST_PAUSE
        while True:
            try:
                response = await self.http.request(method, API + path, **options)
            except httpx.TransportError as error:
                trouble, wished = str(error) or type(error).__name__, 0.0
            else:
                if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return _answer(response)
                trouble, wished = f"HTTP {response.status_code}", _retry_after(response)
            if self.patience is not None and loop.time() - began > self.patience:
                raise ConsoleUnreachable(f"{method} {path}: {trouble}")
            if pause == FIRST_PAUSE:
                self.on_outage(trouble)
            # Spread out, so that a fleet does not come back as one.
            await asyncio.sleep(max(wished, pause * random.uniform(0.7, 1.3)))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)


def _retry_after(response: httpx.Response) -> float:
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_PAUSE) if given.isdecimal() else 0.0


def _answer(response: httpx.Response) -> Answer:
    try:
        body = response.json()
    except ValueError:
        body = {"code": f"http_{response.status_code}", "detail": response.text[:200]}
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        raise ApiProblem(response.status_code, body)
    replayed = response.headers.get("Idempotent-Replayed") == "true"
    return Answer(response.status_code, replayed, body)
