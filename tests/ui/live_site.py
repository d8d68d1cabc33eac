"""A page of rows and its delta, as static/js/live.js expects them; tests change `STATE`."""

import time
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import include, path

from hitlconsole.ui.gallery import NOW, Row


@dataclass
class State:
    rows: list[Row] = field(default_factory=list)
    delta: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    posts: list[dict[str, str]] = field(default_factory=list)

    def reset(self) -> None:
        self.rows, self.delta, self.status, self.asked, self.posts = [], {}, 200, [], []


STATE = State()
FAR_AWAY = 100_000

PAGE = Template("""{% extends "base.html" %}{% load ui %}
{% block title %}Rows{% endblock %}
{% block content %}<div data-live data-live-url="/delta/?mine=1" data-live-since="c1">
<h1>Rows</h1>{% include "components/live_state.html" with now=now %}
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
    return HttpResponse(PAGE.render(RequestContext(request, context)))


def delta(request: HttpRequest) -> HttpResponse:
    STATE.asked.append({name: str(value) for name, value in request.GET.items()})
    if STATE.status != 200:
        return HttpResponse(status=STATE.status)
    return JsonResponse(STATE.delta | {"server_time": NOW.isoformat()})


def post(request: HttpRequest) -> HttpResponse:
    STATE.posts.append({name: str(value) for name, value in request.POST.items()})
    # Long enough for a second press to arrive while the first is on its way.
    time.sleep(0.5)
    return HttpResponse("<!doctype html><title>Decided</title><p>Decided</p>")


urlpatterns = [
    path("rows/", rows),
    path("delta/", delta),
    path("post/", post),
    path("", include("hitlconsole.urls")),
]
