"""Static files as whole answers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise streams from files, which ASGI cannot: Django would collect the stream all the
    same, and warn about it. The files are small.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        answer = HttpResponse(_content(found.file), status=int(found.status))
        del answer["Content-Type"]
        for name, value in found.headers:
            answer[name] = value
        return answer


def _content(file: Any) -> bytes:
    if file is None:
        return b""
    with file:
        content: bytes = file.read()
    return content
