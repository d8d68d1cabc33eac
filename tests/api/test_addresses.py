"""Methods and addresses that the reference does not list."""

import pytest

from tests.api.client import Client, check_response
from tests.api.conftest import SUBMISSION


@pytest.fixture
def committed_db(committed_db_of_module: str) -> str:
    """Many small tests, each with an agent of its own."""
    return committed_db_of_module


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/nothing",
        "/requests/",
        "/requests/17",
        "/requests/01A2103D-2320-7142-8EB9-3834C1803C9B",
        "/requests/01a2103d23207142 8eb93834c1803c9b",
        "/requests/01a2103d-2320-7142-8eb9-3834c1803c9b/",
        "/requests/01a2103d-2320-7142-8eb9-3834c1803c9b/receipt",
        "/../v2/requests",
        "/requests/%00",
        "/requests/..%2f..%2fadmin",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_addresses(door: Client, method: str, path: str) -> None:
    answer = door.call(method, f"/unknown{path}" if path == "" else path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


METHODS = {
    "/requests": "GET, HEAD, OPTIONS, POST",
    "/requests/01a2103d-2320-7142-8eb9-3834c1803c9b": "GET, HEAD, OPTIONS",
    "/requests/01a2103d-2320-7142-8eb9-3834c1803c9b/cancel": "OPTIONS, POST",
    "/agents/me": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_other_methods(door: Client, method: str, path: str) -> None:
    answer = door.call(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == METHODS[path]


@pytest.mark.parametrize("path", METHODS)
def test_options(door: Client, path: str) -> None:
    answer = door.with_key(None).call("OPTIONS", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == METHODS[path]


def test_head_is_get_without_its_body(api: Client) -> None:
    request_id = api.post("/requests", SUBMISSION).json()["id"]
    for path in (f"/requests/{request_id}", "/requests", "/agents/me"):
        get, head = api.get(path), api.call("HEAD", path)
        check_response(get)
        assert (head.status_code, head.headers) == (get.status_code, get.headers)
    assert api.call("HEAD", f"/requests/{request_id}").content == b""


def test_the_old_root_leads_to_the_reference(api: Client) -> None:
    answer = api.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/api/v1/docs")
