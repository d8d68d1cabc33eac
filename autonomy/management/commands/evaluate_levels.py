import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from autonomy.policy.cases import answer, read_case
from autonomy.policy.document import DEFAULT_POLICY, PolicyDocument
from autonomy.policy.reading import FieldError, ReadError
from hitlconsole.lib.jsonvalues import shown_key
from hitlconsole.lib.strictjson import MAX_BYTES, StrictJSONError, loads

MAX_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Reads cases as JSON lines from standard input and prints the level decision of each as a "
        "JSON line. Needs no database. A line that is no case is reported on standard error, with "
        "its number and field, and makes the exit code 1."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--policy", type=Path, metavar="FILE", help="a policy as JSON, instead of the default"
        )

    def handle(self, *args: Any, policy: Path | None, **options: Any) -> None:
        document = _load_policy(policy) if policy else DEFAULT_POLICY
        if sys.stdin is None:
            raise CommandError("standard input is closed: give the cases as JSON lines")
        try:
            refused = self._answer_lines(sys.stdin.buffer, document)
        except BrokenPipeError:
            _leave_pipe()
        except KeyboardInterrupt:
            sys.exit(130)
        if refused:
            raise CommandError(f"lines refused: {refused}")

    def _answer_lines(self, stream: BinaryIO, policy: PolicyDocument) -> int:
        """Each answer leaves before the next line is read. Returns how many lines were refused."""
        refused = 0
        for number, line in _numbered_lines(stream):
            try:
                result = answer(read_case(loads(line)), policy)
            except (StrictJSONError, ReadError) as error:
                refused += 1
                for message in _messages(error):
                    self.stderr.write(f"line {number}: {message}")
                continue
            self.stdout.write(json.dumps(result))
            self.stdout.flush()
        return refused


def _numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank. Of an overlong one, only as much as makes the parser refuse it."""
    number = 0
    while line := stream.readline(MAX_BYTES + 2):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_BYTES)
        if not line.isspace():
            yield number, line.rstrip(b"\r\n")


def _load_policy(path: Path) -> PolicyDocument:
    try:
        return PolicyDocument.from_json(loads(path.read_bytes()))
    except OSError as error:
        raise CommandError(f"can't read the policy: {error}") from None
    except (StrictJSONError, ReadError) as error:
        lines = "\n".join(_messages(error))
        raise CommandError(f"{path} is no policy:\n{lines}") from None


def _messages(error: StrictJSONError | ReadError) -> list[str]:
    if isinstance(error, StrictJSONError):
        return [_placed({"loc": error.loc, "msg": error.msg})]
    shown = [_placed(field) for field in error.errors[:MAX_SHOWN]]
    hidden = len(error.errors) - len(shown)
    return [*shown, f"and {hidden} more"] if hidden else shown


def _placed(error: FieldError) -> str:
    """`chain[1].floor: unknown field`"""
    path = "".join(
        f"[{place}]" if isinstance(place, int) else f".{shown_key(place)}" for place in error["loc"]
    )
    return f"{path.removeprefix('.')}: {error['msg']}" if path else error["msg"]


def _leave_pipe() -> None:
    # The reader has gone, as `head` does. Python's own flush at exit must not fail on it again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)
