"""What is malformed in the environment stops a process at its start, by the variable's name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "k" * 32


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import json, hitlconsole.settings as s;"
        "print(json.dumps([s.OUTBOUND_ALLOW, s.ENCRYPTION_KEYS]))"
    )
    unset = {"HITL_OUTBOUND_ALLOW", "HITL_ENCRYPTION_KEYS"}
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
    ],
)
def test_what_is_malformed(variables: dict[str, str], words: str) -> None:
    done = start(**variables)
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
