"""Every command in the documents is run, and prints what the document says."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitlconsole.local.stack import Stack
from tests.docs.markdown import document_id, documents, steps
from tests.docs.reviewer import person_at
from tests.docs.session import Session

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("curl") is None, reason="the documents use curl"),
]
# What the documents tell to set.
ENVIRON = {"HITL_METRICS_TOKEN": "metrics-of-the-documents", "HITL_OUTBOUND_ALLOW": "127.0.0.0/8"}
WITH_COMMANDS = [path for path in documents() if steps(path)]
# What the documents take for granted, in one start of Django: Ada, and an agent for each of them.
TAKEN_FOR_GRANTED = """
import json
from hitlconsole.accounts.models import Role
from hitlconsole.accounts.services import (
    create_agent, create_key, create_sign_in_link, ensure_person, ensure_team, set_membership)
team = ensure_team("Default")
ada = ensure_person("ada@example.com", name="Ada", admin=True)
set_membership(ada, team, Role.REVIEWER)
keys = {name: create_key(create_agent(name=name, team=team))[1] for name in NAMES}
print(json.dumps({"link": create_sign_in_link(ada), "keys": keys}))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("docs") / "home", environ=ENVIRON) as stack:
        yield stack


@pytest.fixture(scope="module")
def granted(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """(the file with Ada's session, the agents' keys by document)."""
    names = [document_id(path) for path in WITH_COMMANDS]
    made = stack.manage("shell", "-v", "0", "-c", f"NAMES = {names!r}{TAKEN_FOR_GRANTED}")
    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    cookies = tmp_path_factory.mktemp("ada") / "cookies.json"
    with person_at(stack.url, cookies) as ada:
        ada.sign_in(answer["link"])
    return cookies, answer["keys"]


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=document_id)
def test_commands_do_what_the_document_says(
    path: Path, stack: Stack, granted: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    cookies, keys = granted
    env = {"HITL_KEY": keys[document_id(path)], **ENVIRON}
    session = Session(stack, tmp_path / "work", cookies, env)
    session.prepare()
    assert session.play(steps(path)) == ""
