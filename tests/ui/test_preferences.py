import pytest
from django.test import Client, RequestFactory

from hitlconsole.ui.context import ui
from hitlconsole.ui.nav import NAV, nav_items


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/ui/theme/", "theme", "dark"),
        ("/ui/density/", "density", "compact"),
        ("/ui/shortcuts/", "shortcuts", "off"),
    ],
)
def test_a_choice_is_remembered(client: Client, path: str, name: str, value: str) -> None:
    answer = client.post(path, {name: value, "next": "/agents/?q=1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/agents/?q=1")
    cookie = answer.cookies[f"hitl_{name}"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (value, True, "Lax")
    request = RequestFactory().get("/", HTTP_COOKIE=f"hitl_{name}={cookie.value}")
    assert ui(request)[name] == value


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example", ""],
)
def test_nobody_is_sent_elsewhere(client: Client, elsewhere: str) -> None:
    answer = client.post("/ui/theme/", {"theme": "dark", "next": elsewhere})
    assert answer.headers["Location"] == "/"


def test_nonsense_is_refused_and_not_remembered(client: Client) -> None:
    answer = client.post("/ui/theme/", {"theme": '"><script>'})
    assert (answer.status_code, answer.content) == (400, b"theme: one of auto, light, dark")
    assert dict(answer.cookies) == {}
    assert client.get("/ui/theme/").status_code == 405


def test_a_forged_cookie_counts_for_nothing() -> None:
    request = RequestFactory().get("/", HTTP_COOKIE='hitl_theme="><script>; hitl_density=huge')
    context = ui(request)
    assert (context["theme"], context["density"], context["shortcuts"]) == ("auto", "normal", "on")


def test_a_choice_needs_the_token() -> None:
    answer = Client(enforce_csrf_checks=True).post("/ui/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "hitl_theme" not in answer.cookies


def test_the_navigation_marks_where_one_is() -> None:
    counts = {"queue": 14}
    urls = [item.url for item in nav_items("/", counts)]
    assert len(set(urls)) == len(NAV)
    for url in urls:
        active = [item.url for item in nav_items(url, counts) if item.active]
        assert active == [url]
    below = [item.key for item in nav_items(urls[3] + "0193/keys/", counts) if item.active]
    assert below == ["agents"]
    assert [item.key for item in nav_items("/elsewhere/", counts) if item.active] == []
    assert [item.count for item in nav_items("/", counts)] == [
        None,
        14,
    ] + [None] * (len(NAV) - 2)
