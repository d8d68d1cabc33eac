"""Processes that serve do not start with the key that everybody knows; commands do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = ("HITL_SECRET_KEY", "HITL_SECRET_KEY_FILE", "HITL_TEST", "HITL_DEBUG")

SETTINGS = {"DJANGO_SETTINGS_MODULE": "hitlconsole.settings"}


def start(statement: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in KEYS}
    (home / "static").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", statement],
        cwd=ROOT,
        env=plain | {"HITL_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("process", ["hitlconsole.asgi", "hitlconsole.celery"])
def test_the_web_process_and_the_workers_need_a_key_of_their_own(
    process: str, tmp_path: Path
) -> None:
    refused = start(f"import {process}", tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: HITL_SECRET_KEY (or HITL_SECRET_KEY_FILE)"
        " is not set: give it at least 50 random characters."
    )
    key = tmp_path / "key"
    key.write_text("k" * 50)
    for environment in (
        {"HITL_SECRET_KEY": "k" * 50},
        {"HITL_SECRET_KEY_FILE": str(key)},
        {"HITL_TEST": "1"},
    ):
        assert start(f"import {process}", tmp_path, **environment).returncode == 0


def test_commands_need_none(tmp_path: Path) -> None:
    command = "from django.core.management import call_command; import django; django.setup()"
    done = start(f"{command}; call_command('check')", tmp_path, **SETTINGS)
    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    )
