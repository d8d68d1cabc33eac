"""A page of rows, its delta and its stream, as static/js/live.js expects them; tests change
`STATE`.
"""

import json
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import RequestContext, Template
from django.urls import include, path

from hitlconsole.ui.gallery import NOW, Row


@dataclass
class State:
    rows: list[Row] = field(default_factory=list)
    delta: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    stream_status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    posts: list[dict[str, str]] = field(default_factory=list)
    beats: list[dict[str, str]] = field(default_factory=list)
    streams: "list[queue.Queue[bytes | None]]" = field(default_factory=list)
    opened: int = 0
    # How many events were said: each carries its number.
    said: int = 0

    def reset(self) -> None:
        self.end_streams()
        vars(self).update(vars(State()))

    def say(self, name: str, **data: Any) -> None:
        """To every open stream."""
        self.said += 1
        for stream in self.streams:
            stream.put(f"id: {self.said}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode())

    def end_streams(self) -> None:
        for stream in self.streams:
            stream.put(None)
        self.streams = []


STATE = State()
FAR_AWAY = 100_000

PAGE = Template("""{% extends "base.html" %}{% load ui %}
{% block title %}Rows{% endblock %}
{% block content %}<div data-live data-live-url="/delta/?mine=1" data-live-since="c1">
<h1>Rows</h1>
{% if opened %}<div data-row="{{ opened }}"><span data-slot="lookers"></span></div>{% endif %}
{% include "components/live_state.html" with now=now %}
{% include "components/due_strip.html" with items=none now=now %}
{% include "components/new_pill.html" with url="/rows/" %}
<ul class="rows" data-live-list>{% for row in rows %}
{% include "components/request_row.html" with row=row now=now selectable=True %}{% endfor %}</ul>
<div class="decide" data-verdicts>
{% button "Approve" variant="approve" key="a" data_arm="approve" data_lock_when_stale=True %}
{% button "Reject" variant="reject" key="r" data_arm="reject" %}
<form class="verdict" method="post" action="/post/" data-verdict="approve" data-commit
 data-draft="r1:approve" data-revision-of="r1" data-revision="3" hidden>{% csrf_token %}
<input type="hidden" name="token" value="">
{% banner "warn" hidden=True data_outdated=True %}<p data-outdated-text></p>{% endbanner %}
<label for="note">Note</label><textarea id="note" name="note"></textarea>
{% button "Approve now" type="submit" data_lock_when_stale=True %}</form>
<form class="verdict" method="post" action="/post/" data-verdict="reject" data-commit
 data-draft="r1:reject" hidden>{% csrf_token %}
<label for="reason">Reason</label><textarea id="reason" name="reason"></textarea>
{% button "Reject now" type="submit" %}</form></div></div>
{% if done %}<p data-tags="draft-done:r1">Done</p>{% endif %}{% endblock %}""")


def rows(request: HttpRequest) -> HttpResponse:
    context = {"rows": STATE.rows, "now": NOW, "done": "done" in request.GET, "user": None}
    context["opened"] = request.GET.get("open")
    return HttpResponse(PAGE.render(RequestContext(request, context)))


def delta(request: HttpRequest) -> HttpResponse:
    STATE.asked.append({name: str(value) for name, value in request.GET.items()})
    if STATE.status != 200:
        return HttpResponse(status=STATE.status)
    return JsonResponse(STATE.delta | {"server_time": NOW.isoformat()})


def live(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    STATE.opened += 1
    if STATE.stream_status != 200:
        return HttpResponse(status=STATE.stream_status)
    said: queue.Queue[bytes | None] = queue.Queue()
    STATE.streams.append(said)
    said.put(f'id: {STATE.said}\nevent: beat\ndata: {{"hears": true}}\n\n'.encode())
    return StreamingHttpResponse(_until_none(said), content_type="text/event-stream")


def _until_none(said: "queue.Queue[bytes | None]") -> Iterator[bytes]:
    while (one := said.get()) is not None:
        yield one


def beat(request: HttpRequest) -> HttpResponse:
    STATE.beats.append({name: str(value) for name, value in request.GET.items()})
    return HttpResponse(status=204 if STATE.status == 200 else STATE.status)


def post(request: HttpRequest) -> HttpResponse:
    STATE.posts.append({name: str(value) for name, value in request.POST.items()})
    # Long enough for a second press to arrive while the first is on its way.
    time.sleep(0.5)
    return HttpResponse("<!doctype html><title>Decided</title><p>Decided</p>")


urlpatterns = [
    path("rows/", rows),
    path("delta/", delta),
    path("live/", live),
    path("live/beat/", beat),
    path("post/", post),
    path("", include("hitlconsole.urls")),
]
