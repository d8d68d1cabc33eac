"""A reviewer at work as a browser would be: pages, cookies, forms, and nothing else."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

ROW_LINK = re.compile(r'href="[^"]*\bopen=([0-9a-f-]{36})')
PATIENCE = 60.0


class Forms(HTMLParser):
    """The forms of a page by their id (or action): where they go and what they carry."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, Form] = {}
        self._open: Form | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""))
            self.found[given.get("id") or given.get("action", "")] = self._open
        elif tag == "input" and self._open is not None and given.get("type") == "hidden":
            self._open.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@dataclass(slots=True)
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reviewer:
    """`decided` counts what the page confirmed, `conflicts` where somebody was faster."""

    url: str
    decided: int = 0
    conflicts: int = 0
    repeats: int = 0
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, timeout=20, headers={"Origin": self.url})

    def sign_in(self, link: str) -> None:
        page = self._patiently(lambda: self.http.get(link))
        assert page.status_code == 200, page.text
        [form] = [f for f in Forms(page.text).found.values() if "csrfmiddlewaretoken" in f.fields]
        answer = self.http.post(form.action or link, data=form.fields)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")

    def open_requests(self) -> list[str]:
        """As the queue lists them, from the top."""
        page = self._patiently(lambda: self.http.get("/"))
        assert page.status_code == 200, page.text
        assert 'data-count="queue"' in page.text
        return list(dict.fromkeys(ROW_LINK.findall(page.text)))

    def work_on(self, request_id: str, *, reject: bool) -> None:
        """Opens the request and commits its form, if it still has one."""
        self._patiently(lambda: self.http.get(f"/requests/{request_id}/evidence/"))
        page = self._patiently(lambda: self.http.get(f"/requests/{request_id}/"))
        assert page.status_code == 200, page.text
        form = Forms(page.text).found.get("verdict-reject" if reject else "verdict-approve")
        if form is None:
            return
        words = {"notes": "Not what the customer asked for."} if reject else {"checked": "yes"}
        sent = form.fields | words
        answer = self._patiently(lambda: self.http.post(form.action, data=sent))
        if answer.status_code == 302:
            self.decided += 1
        else:
            assert answer.status_code == 409, answer.text
            self.conflicts += 1

    def _patiently(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """The same again while the console does not answer, as a person would."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return send()
            except httpx.TransportError:
                self.repeats += 1
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
