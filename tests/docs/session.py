"""One document's commands in one shell, beside a console of their own."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from hitlconsole.local.paths import ROOT
from hitlconsole.local.ports import free_port
from hitlconsole.local.postgres import SUPERUSER
from hitlconsole.local.services import DATABASE
from hitlconsole.local.stack import Stack
from tests.docs.markdown import Kind, Step, shows

SECONDS = 90


@dataclass(frozen=True)
class Session:
    """A working folder in which `./run` is the project's. Addresses are those of the stack."""

    stack: Stack
    folder: Path
    cookies: Path
    env: dict[str, str]
    # Where the document's own receiver listens.
    port: int = field(default_factory=free_port)

    def prepare(self) -> None:
        (self.folder / "answers").mkdir(parents=True)
        door = self.folder / "run"
        door.write_text(f'#!/bin/sh\nexec {shlex.quote(str(ROOT / "run"))} "$@"\n')
        door.chmod(0o755)

    def play(self, steps: Sequence[Step]) -> str:
        """In words, the first step that fails or prints something else; empty where all is well."""
        script = self._prelude() + "".join(map(self._script, range(len(steps)), steps))
        for step in steps:
            if step.kind is Kind.SQL:
                self._superuser(step.text)
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        wrong = (
            self._judge(step, self.folder / "answers" / str(number), ran.stderr)
            for number, step in enumerate(steps)
            if step.kind is Kind.COMMAND
        )
        return next(filter(None, wrong), "")

    def _environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
            "PYTHON": sys.executable,
            "HITL_HOME": str(self.stack.paths.home),
            "HITL_LOCAL_DURABLE": "0",
            **self.env,
        }

    def _prelude(self) -> str:
        reviewer = f"{shlex.quote(sys.executable)} -m tests.docs.reviewer {self.stack.url}"
        return (
            # What still runs in the background ends with the document.
            "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n"
            # A refusal is an error here, where a reader sees it with the eyes.
            'curl() { command curl --fail-with-body --max-time 70 "$@"; }\n'
            f"review() {{ PYTHONPATH={shlex.quote(str(ROOT))} {reviewer}"
            f' {shlex.quote(str(self.cookies))} "$@"; }}\n'
        )

    def _script(self, number: int, step: Step) -> str:
        text = self._localised(step.text)
        if step.kind is Kind.FILE:
            return f"printf %s {shlex.quote(text)} > {shlex.quote(step.name)}\n"
        if step.kind is Kind.SQL:
            return ""
        answer = f"answers/{number}"
        last = "[ $code = 0 ] &&" if step.fails else "[ $code = 0 ] ||"
        return (
            f"{{\n{text}\n}} > {answer}.out 2>&1\n"
            f"code=$?; echo $code > {answer}.code; {last} exit 1\n"
        )

    def _localised(self, text: str) -> str:
        """The documents' addresses as those of this stack."""
        replaced = {
            "http://127.0.0.1:8000": self.stack.url,
            "http://127.0.0.1:9000": f"http://127.0.0.1:{self.port}",
            '("127.0.0.1", 9000)': f'("127.0.0.1", {self.port})',
            "@db.example.com:5432": f"@127.0.0.1:{self.stack.state.postgres_port}",
            "redis://redis.example.com:6379": self.stack.env["REDIS_URL"].rpartition("/")[0],
            "/srv/hitl-console": str(self.folder / "home"),
        }
        for ours, theirs in replaced.items():
            text = text.replace(ours, theirs)
        return text

    def _judge(self, step: Step, answer: Path, error: str) -> str:
        code = answer.with_suffix(".code")
        printed = ""
        if answer.with_suffix(".out").exists():
            printed = answer.with_suffix(".out").read_text()
        told = f"line {step.line}: {step.text}\n--- printed:\n{printed}"
        if not code.exists():
            return f"not reached, {told}\n--- shell:\n{error}"
        if (code.read_text().strip() != "0") != step.fails:
            return f"exit code {code.read_text().strip()}, {told}"
        expected = tuple(self._localised(line) for line in step.shown)
        if not shows(expected, printed):
            return f"{told}\n--- the document shows:\n" + "\n".join(expected)
        return ""

    def _superuser(self, statements: str) -> None:
        password = (self.stack.paths.secrets / "postgres_superuser").read_text()
        with psycopg.connect(
            host="127.0.0.1",
            port=self.stack.state.postgres_port,
            user=SUPERUSER,
            password=password,
            dbname=DATABASE,
            autocommit=True,
        ) as connection:
            for statement in filter(str.strip, statements.split(";")):
                connection.execute(statement)
