"""Static files by way of ASGI, as the web process serves them. Any warning fails these tests."""

import asyncio
from pathlib import Path

import httpx
import pytest
from django.core.handlers.asgi import ASGIHandler

CSS = Path(__file__).resolve().parents[2] / "static/css/base.css"


def ask(method: str = "GET", path: str = "/static/css/base.css", **headers: str) -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app=ASGIHandler())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.request(method, path, headers=headers)

    return asyncio.run(call())


def test_a_file_is_answered_whole() -> None:
    answer = ask()
    assert (answer.status_code, answer.content) == (200, CSS.read_bytes())
    assert answer.headers["content-type"] == 'text/css; charset="utf-8"'
    assert answer.headers["content-length"] == str(CSS.stat().st_size)


def test_what_the_browser_has_is_not_sent_again() -> None:
    known = ask().headers["last-modified"]
    answer = ask(**{"If-Modified-Since": known})
    assert (answer.status_code, answer.content) == (304, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ("bytes=3-9", 206, CSS.read_bytes()[3:10]),
        ("bytes=99999999-", 416, b""),
    ],
)
def test_parts(wanted: str, status: int, content: bytes) -> None:
    answer = ask(Range=wanted)
    assert (answer.status_code, answer.content) == (status, content)


def test_other_methods() -> None:
    head, post = ask("HEAD"), ask("POST")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(CSS.stat().st_size)
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")
