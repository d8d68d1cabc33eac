"""The lean door: the two calls that agents make all the time, without a framework around them.

POST /requests goes through group commit, GET /requests/{id} waits without a thread or a database
connection. Parsing, authentication, services and answers are those of the Django door (views.py).
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from approvals.api.answers import (
    COMMON_HEADERS,
    Answer,
    error_answer,
    problem_answer,
)
from approvals.api.bodies import SubmissionIn, WaitQuery
from approvals.api.callers import RememberedCallers, bearer_secret, identify, note_use, own_agent
from approvals.api.grouping import Groups
from approvals.api.looking import look_with_key
from approvals.api.reading import (
    body_too_large,
    idempotency_key,
    parse_object,
    parse_query,
    refuse_unknown_parameters,
    validated,
)
from approvals.api.submitting import answer_submissions, submission_of
from approvals.api.waiting import Look, Patience, look_until_changed
from approvals.services.intake_sql import Item
from hitlconsole.accounts.keys import Caller
from hitlconsole.accounts.models import Scope as KeyScope
from hitlconsole.lib.rawasgi import (
    Application,
    BodyTooLarge,
    ClientGone,
    Receive,
    Scope,
    Send,
    header,
    read_body,
    replay,
    send_response,
    until_gone,
)
from hitlconsole.lib.strictjson import MAX_BYTES
from hitlconsole.lib.units import unit_of_work

T = TypeVar("T")

API = "/api/"
SUBMIT = "/api/v1/requests"
ONE = re.compile(r"/api/v1/requests/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
READERS = 4
READ_SECONDS = 10.0


class LeanDoor:
    """Serves what it knows of the API, and hands the rest to Django with its body bounded."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._callers = RememberedCallers()
        self._groups: Groups[Item, Answer] = Groups(unit_of_work(_answer_group))
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="api-read")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive, send)
        except ClientGone:
            return
        except BodyTooLarge:
            answer = problem_answer(body_too_large())
        except Exception as error:  # noqa: BLE001 - told to the caller, and logged there
            answer = error_answer(error)
        if answer is not None:
            headers = (("Content-Type", answer.content_type), *answer.headers, *COMMON_HEADERS)
            await send_response(scope, send, answer.status, headers, answer.body)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """None where Django has answered."""
        method, path = scope["method"], scope["path"]
        if method == "POST" and path == SUBMIT:
            return await self._submit(scope, receive)
        one = ONE.fullmatch(path) if method in ("GET", "HEAD") else None
        if one is not None:
            return await self._get(scope, receive, UUID(one[1]))
        body = await read_body(scope, receive, MAX_BYTES)
        await self._django(scope, replay(body, receive), send)
        return None

    async def _submit(self, scope: Scope, receive: Receive) -> Answer:
        raw = await read_body(scope, receive, MAX_BYTES)
        caller = await self._caller(bearer_secret(header(scope, b"authorization")))
        own_agent(caller, KeyScope.SUBMIT)
        body = validated(SubmissionIn, parse_object(raw, header(scope, b"content-type")))
        refuse_unknown_parameters(parse_query(scope["query_string"]), ())
        key = idempotency_key(header(scope, b"idempotency-key"))
        return await self._groups.submit(Item(caller, submission_of(body, key)))

    async def _caller(self, secret: str) -> Caller:
        """The intake checks the key again in its own transaction, so that memory may serve."""
        caller = self._callers.get(secret)
        if caller is None:
            caller = await self._read(identify, secret)
            self._callers.keep(secret, caller)
        return caller

    async def _get(self, scope: Scope, receive: Receive, request_id: UUID) -> Answer:
        secret = bearer_secret(header(scope, b"authorization"))
        sent = parse_query(scope["query_string"])
        query = validated(WaitQuery, sent)
        refuse_unknown_parameters(sent, WaitQuery.model_fields)

        async def look() -> Look:
            return await self._read(look_with_key, secret, request_id)

        if query.wait == 0:
            return (await look()).answer
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            patience = Patience(query.wait, query.revision, gone)
            return (await look_until_changed(look, request_id, patience)).answer
        finally:
            gone.cancel()

    async def _read(self, work: Callable[..., T], *args: object) -> T:
        """In one of few threads; a database that does not answer is given up on."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(READ_SECONDS):
            return await loop.run_in_executor(self._readers, unit_of_work(work), *args)

    def stop(self) -> None:
        self._groups.stop()
        self._readers.shutdown(wait=False, cancel_futures=True)


def _answer_group(items: Sequence[Item]) -> list[Answer]:
    for key_id in {item.caller.key_id for item in items}:
        note_use(key_id)
    return answer_submissions(items)
