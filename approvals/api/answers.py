"""An answer as a value, before a door writes it; and the problem that stands for any exception."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from hitlconsole.lib.jsonout import dumps
from hitlconsole.lib.problems import CONTENT_TYPE, Problem

logger = logging.getLogger(__name__)

JSON = "application/json"
RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, finished body, and what goes beside the common headers."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    def to_response(self) -> HttpResponse:
        response = HttpResponse(self.body, status=self.status, content_type=self.content_type)
        for name, value in (*self.headers, *COMMON_HEADERS):
            response[name] = value
        return response


# An agent's answers are nobody else's, and never what a browser takes them for.
COMMON_HEADERS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
PROBLEM_HEADERS = {
    401: (("WWW-Authenticate", 'Bearer realm="hitl"'),),
    503: (("Retry-After", str(RETRY_AFTER_SECONDS)),),
}


def json_answer(
    body: dict[str, Any], status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    return Answer(status, dumps(body), JSON, headers)


def problem_answer(problem: Problem, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    beside = headers + PROBLEM_HEADERS.get(problem.status, ())
    return Answer(problem.status, dumps(problem.body()), CONTENT_TYPE, beside)


def problem_of(error: BaseException) -> Problem:
    """The problem that callers are told. What nobody foresaw is logged and not told."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OperationalError | InterfaceError | TimeoutError):
        logger.warning("the database does not answer: %s", error)
        return Problem("unavailable", "The database does not answer. Send the same call again.")
    logger.error("an API call failed", exc_info=error)
    return Problem("internal_error", "Something failed that should not have; it is logged.")


def error_answer(error: BaseException) -> Answer:
    return problem_answer(problem_of(error))


def error_response(_request: HttpRequest, error: Exception) -> HttpResponse:
    return error_answer(error).to_response()
