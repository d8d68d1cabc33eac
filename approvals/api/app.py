"""The Django door: ninja, with our parser, our errors and sane answers to every method."""

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationErrorContext
from ninja.parser import Parser

from approvals.api.answers import Answer, error_response, problem_answer
from approvals.api.reading import (
    body_too_large,
    empty_body,
    field_errors,
    parse_object,
    too_many_fields,
)
from approvals.api.views import router
from hitlconsole.lib.problems import Problem

TITLE = "HITL Console"
VERSION = "1.0"
PREFIX = "api/v1/"


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        return parse_object(request.body, request.headers.get("Content-Type"))


class ProblemAPI(NinjaAPI):
    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext]
    ) -> NoReturn:
        """Raises the Problem in place of ninja's own exception."""
        errors = super().validation_error_from_error_contexts(error_contexts).errors
        if any(map(_misses_body, errors)):
            raise empty_body()
        details = [error | {"loc": _place(error["loc"])} for error in errors]
        raise Problem("invalid_request", errors=field_errors(details, _fields(error_contexts)))


def _misses_body(error: dict[str, Any]) -> bool:
    return bool(error["type"] == "missing" and error["loc"][0] == "body" and len(error["loc"]) == 2)


def _place(loc: Sequence[str | int]) -> tuple[str | int, ...]:
    """ninja's places begin with the source and, for a body, the name of its parameter."""
    return tuple(loc[2:]) if loc[0] == "body" else tuple(loc[-1:])


def _fields(contexts: Iterable[ValidationErrorContext]) -> set[str]:
    """What the body could have had."""
    models = (field.annotation for one in contexts for field in one.model.model_fields.values())
    return {name for model in models for name in getattr(model, "model_fields", ())}


api = ProblemAPI(
    title=TITLE,
    version=VERSION,
    parser=StrictParser(),
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", router)


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    return error_response(request, error)


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, _error: Http404) -> HttpResponse:
    return error_response(request, Problem("not_found"))


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    return error_response(request, body_too_large())


@api.exception_handler(TooManyFieldsSent)
def _too_many(request: HttpRequest, _error: TooManyFieldsSent) -> HttpResponse:
    return error_response(request, too_many_fields())


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    # ninja wraps whatever the parser raises.
    cause = error.__cause__
    return error_response(request, cause if isinstance(cause, Exception) else error)


def for_any_method(pattern: URLPattern) -> URLPattern:
    """HEAD is GET without a body, OPTIONS names the methods, others get a problem."""
    view = pattern.callback
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return _suited(request, await view(_as_get(request), *args, **kwargs))
    else:

        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return _suited(request, view(_as_get(request), *args, **kwargs))

    pattern.callback = door
    return pattern


def _as_get(request: HttpRequest) -> HttpRequest:
    if request.method == "HEAD":
        request.method = "GET"
    return request


def _suited(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not isinstance(response, HttpResponseNotAllowed):
        return response
    allowed = allow_header(response["Allow"].split(", "))
    if request.method == "OPTIONS":
        return Answer(204, b"", headers=(("Allow", allowed),)).to_response()
    return problem_answer(Problem("method_not_allowed"), (("Allow", allowed),)).to_response()


def allow_header(methods: Iterable[str]) -> str:
    named = {*methods, "OPTIONS"}
    return ", ".join(sorted(named | {"HEAD"} if "GET" in named else named))
