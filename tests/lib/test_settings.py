"""What is malformed in the environment stops a process at its start, by the variable's name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "k" * 32


SHOW_LISTS = (
    "import json, hitlconsole.settings as s;"
    "print(json.dumps([s.OUTBOUND_ALLOW, s.ENCRYPTION_KEYS]))"
)


def start(code: str = SHOW_LISTS, **variables: str) -> subprocess.CompletedProcess[str]:
    ours = ("OUTBOUND_ALLOW", "ENCRYPTION_KEYS", "EMAIL_URL", "SECRET_KEY")
    unset = {f"HITL_{name}{suffix}" for name in ours for suffix in ("", "_FILE")}
    environ = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environ | {"HITL_SECRET_KEY": "secret"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("variables", "networks", "keys"),
    [
        ({}, [], ["secret"]),
        ({"HITL_ENCRYPTION_KEYS": "", "HITL_OUTBOUND_ALLOW": ""}, [], ["secret"]),
        ({"HITL_ENCRYPTION_KEYS": f"{KEY}1, {KEY}2"}, [], [f"{KEY}1", f"{KEY}2"]),
        ({"HITL_OUTBOUND_ALLOW": "10.0.0.0/8, fd00::/8"}, ["10.0.0.0/8", "fd00::/8"], ["secret"]),
    ],
)
def test_what_is_read(variables: dict[str, str], networks: list[str], keys: list[str]) -> None:
    assert json.loads(start(**variables).stdout) == [networks, keys]


@pytest.mark.parametrize(
    ("url", "tls", "ssl"),
    [
        ("smtp+tls://ada%40example.com:p%40ss@host:587", True, False),
        ("smtp+ssl://ada%40example.com:p%40ss@host:465", False, True),
    ],
)
def test_the_mail_server_is_spoken_to_in_secret(url: str, tls: bool, ssl: bool) -> None:
    code = (
        "import django, json; django.setup();"
        "from django.core.mail import get_connection; c = get_connection();"
        "print(json.dumps([c.host, c.username, c.password, c.use_tls, c.use_ssl]))"
    )
    read = start(code, HITL_EMAIL_URL=url)
    assert json.loads(read.stdout) == ["host", "ada@example.com", "p@ss", tls, ssl]


def test_keys_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}1,{KEY}2\n")
    assert json.loads(start(HITL_ENCRYPTION_KEYS_FILE=str(file)).stdout)[1] == [
        f"{KEY}1",
        f"{KEY}2",
    ]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"HITL_OUTBOUND_ALLOW": "10.0.0.0/8,10.0.0.1/8"}, "HITL_OUTBOUND_ALLOW: 10.0.0.1/8 has"),
        ({"HITL_OUTBOUND_ALLOW": "intranet"}, "HITL_OUTBOUND_ALLOW: 'intranet' does not"),
        ({"HITL_ENCRYPTION_KEYS": f"{KEY},short"}, "HITL_ENCRYPTION_KEYS: give each key"),
        ({"HITL_EMAIL_URL": "smtp://u:p@host:587/?tls=True"}, "HITL_EMAIL_URL: write smtp+tls://"),
    ],
)
def test_what_is_malformed(variables: dict[str, str], words: str) -> None:
    done = start(**variables)
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
