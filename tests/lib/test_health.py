"""What a process says of itself to supervisors, load balancers and Prometheus."""

import asyncio
from typing import Any

import httpx
from django.db import connections

from hitlconsole.asgi import WebProcess
from hitlconsole.lib.models import Heartbeat
from tests.api.server import serve
from tests.processes import wait_until

TOKEN = {"Authorization": "Bearer t0ken"}


def ask(path: str, **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=WebProcess())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.get(path, headers=headers)

    return asyncio.run(asked())


def test_without_redis_it_serves_and_says_so(committed_db: str, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = ask("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "degraded", "database": "ok", "redis": "unavailable"},
    )


def test_before_its_tables_are_there_it_does_not_serve(committed_db: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'lib' AND name LIKE '0002%'")
    answer = ask("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "unavailable", "database": "unavailable", "redis": "ok"},
    )


def test_metrics_are_for_who_has_the_token(committed_db: str, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert ask("/metrics", Authorization="Bearer ").status_code == 404
    settings.METRICS_TOKEN = "t0ken"
    refused = [
        ask("/metrics"),
        ask("/metrics", Authorization="Bearer other"),
        ask("/metrics", Authorization="Basic t0ken"),
    ]
    assert [one.status_code for one in refused] == [401, 401, 401]
    assert {one.headers["WWW-Authenticate"] for one in refused} == {"Bearer"}
    answer = ask("/metrics", **TOKEN)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "\nhitl_sweep_lag_seconds 0.0\n" in answer.text


def test_without_the_database_the_process_lives_and_has_no_metrics(committed_db: str) -> None:
    away = "postgres://hitl_app:a@127.0.0.1:1/hitl"
    with serve(committed_db, DATABASE_URL=away, HITL_METRICS_TOKEN="t0ken") as server:
        metrics = httpx.get(f"{server.url}/metrics", headers=TOKEN, timeout=30)
        assert (metrics.status_code, metrics.text) == (503, "")
        assert httpx.get(f"{server.url}/healthz").text == "ok"
        assert server.process.poll() is None


def test_a_web_process_gives_signs_of_life_from_its_start(committed_db: str) -> None:
    with serve(committed_db) as server:
        wait_until(Heartbeat.objects.exists, "the process has given a sign of life")
        beat = Heartbeat.objects.get()
        assert (beat.kind, beat.instance.split(":")[1]) == ("web", str(server.process.pid))
        assert server.stop() < 10
