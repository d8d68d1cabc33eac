"""A person at the console, for the documents' commands: signs in, and decides on the page.

python -m tests.docs.reviewer URL COOKIES sign-in LINK
python -m tests.docs.reviewer URL COOKIES VERDICT REQUEST [NOTES]
python -m tests.docs.reviewer URL COOKIES next VERDICT [NOTES]
python -m tests.docs.reviewer URL COOKIES release TAKEOVER
python -m tests.docs.reviewer URL COOKIES register NAME FIELD=VALUE...
python -m tests.docs.reviewer URL COOKIES see PATH TEXT
python -m tests.docs.reviewer URL COOKIES callback-secret
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_WEBHOOK_SECRET = re.compile(r"whsec_[\w+/=]+")
_REVISION = re.compile(r'name="revision" value="(\d+)"')


@contextmanager
def person_at(url: str, cookies: Path) -> Iterator["Person"]:
    """With the session of the file, where there is one."""
    known = json.loads(cookies.read_text()) if cookies.exists() else {}
    headers = {"Origin": url}
    with httpx.Client(base_url=url, cookies=known, follow_redirects=True, headers=headers) as http:
        yield Person(http, cookies)


class Person:
    def __init__(self, http: httpx.Client, cookies: Path) -> None:
        self._http = http
        self._cookies = cookies

    def look(self, path: str) -> str:
        page = self._http.get(path)
        page.raise_for_status()
        return page.text

    def send(self, page: str, path: str, **fields: str) -> str:
        """Post a form of that page, and get the one that follows; what is refused raises."""
        token = _CSRF.search(page)
        assert token, "the page has no form"
        answer = self._http.post(path, data={"csrfmiddlewaretoken": token[1], **fields})
        answer.raise_for_status()
        return answer.text

    def sign_in(self, link: str) -> None:
        path = httpx.URL(link).path
        self.send(self.look(path), path)
        self._cookies.write_text(json.dumps(dict(self._http.cookies)))

    def decide(self, verdict: str, request_id: str, notes: str = "") -> None:
        path = f"/requests/{request_id}/"
        self.look(f"{path}evidence/")
        page = self.look(path)
        revision = _REVISION.search(page)
        assert revision, "the request is not open, or not this person's to decide"
        self.send(
            page,
            f"{path}decide/",
            verdict=verdict,
            revision=revision[1],
            token=uuid4().hex,
            notes=notes,
            checked="yes",
        )
        self._wait_until_it_counts(path)

    def _wait_until_it_counts(self, path: str) -> None:
        for _ in range(200):
            if "data-held-note" not in self.look(path):
                return
            time.sleep(0.1)
        raise AssertionError("the verdict does not count")

    def decide_next(self, verdict: str, notes: str = "") -> None:
        """Waits for the agent whose key is in HITL_KEY to have an open request, and decides it."""
        for _ in range(300):
            found = self._as_agent("/api/v1/requests?status=pending")
            if found["items"]:
                return self.decide(verdict, found["items"][0]["id"], notes)
            time.sleep(0.1)
        raise AssertionError("nothing was asked")

    def callback_secret(self) -> str:
        """A new one for the agent whose key is in HITL_KEY."""
        agent = self._as_agent("/api/v1/agents/me")["id"]
        path = f"/agents/{agent}/"
        shown = self.send(self.look(path), f"{path}callback-secret/")
        secret = _WEBHOOK_SECRET.search(shown)
        assert secret, "the page shows no secret"
        return secret[0]

    def _as_agent(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {os.environ['HITL_KEY']}"}
        return self._http.get(path, headers=headers).raise_for_status().json()

    def release(self, takeover_id: str) -> None:
        self.send(self.look("/profile/"), f"/takeovers/{takeover_id}/release/", notes="Checked.")

    def register(self, name: str, *fields: str) -> None:
        path = "/action-types/new/"
        values = dict(field.split("=", 1) for field in fields)
        self.send(self.look(path), path, name=name, side_effects="on", **values)

    def see(self, path: str, text: str) -> None:
        assert text in self.look(path), f"{path} does not show {text!r}"


def main(url: str, cookies: str, what: str, *rest: str) -> None:
    with person_at(url, Path(cookies)) as person:
        act(person, what, *rest)


def act(person: Person, what: str, *rest: str) -> None:
    match what:
        case "sign-in":
            person.sign_in(*rest)
        case "next":
            person.decide_next(*rest)
        case "release":
            person.release(*rest)
        case "register":
            person.register(*rest)
        case "see":
            person.see(*rest)
        case "callback-secret":
            print(person.callback_secret())
        case _:
            person.decide(what, *rest)


if __name__ == "__main__":
    main(*sys.argv[1:])
