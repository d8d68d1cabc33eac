"""Requests found by words: in the description, the agent's name, the action's type and arguments.

Every word has to be there, in any order, small or capital, also as a part of a longer word; one of
one or two letters at the beginning of a word. Punctuation around a word does not count. What is
searched of a request is said by a function of the database, on which its indexes are built
(migration 0008).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Self
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, F, Func, Q, TextField, Value
from django.db.utils import OperationalError
from psycopg.errors import QueryCanceled

from approvals.access import visible_requests
from approvals.models import OPEN_VALUES, ApprovalRequest
from hitlconsole.accounts.models import Agent, User
from hitlconsole.lib.problems import Problem

MAX_TEXT = 200
MAX_WORDS = 10
# A word in a script without spaces may give the index nothing to look up.
MOST_MS = 3000

# Whatever is in ASCII and neither letter nor digit.
_AROUND = "".join(char for char in map(chr, range(128)) if not char.isalnum())
# Too little for the index to look up, but for what stands before it.
_SHORT = re.compile(r"[0-9a-z]{1,2}", re.IGNORECASE)
# Quotes are spaces in what is searched, and backslashes may be.
_ESCAPED = str.maketrans({"%": r"\%", "_": r"\_", '"': "_", "\\": "_"})
_ID = re.compile(r"[0-9a-f]{8,32}")
_OPEN = Q(status__in=OPEN_VALUES)


@dataclass(frozen=True, slots=True)
class Search:
    """`cut`: more was typed than is looked for."""

    words: Sequence[str]
    cut: bool

    @classmethod
    def read(cls, text: str) -> Self:
        typed = text[:MAX_TEXT].replace("\x00", " ").split()
        words = [word for word in (one.strip(_AROUND) for one in typed) if word]
        return cls(words[:MAX_WORDS], len(text) > MAX_TEXT or len(words) > MAX_WORDS)

    @property
    def ids(self) -> tuple[UUID, UUID] | None:
        """The first and the last id that begin as the only word does, with 8 digits or more."""
        digits = self.words[0].lower().replace("-", "") if len(self.words) == 1 else ""
        if not _ID.fullmatch(digits):
            return None
        return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def search_note(text: str) -> str:
    """What a page says where it does not look for everything that was typed."""
    if not Search.read(text).cut:
        return ""
    return f"Only the first {MAX_WORDS} words and {MAX_TEXT} characters are searched for."


def search_open(text: str) -> Q:
    """Among open requests; a condition that is cheap within counts, too: it is looked up once."""
    found = ApprovalRequest.objects.filter(_OPEN, search_among(text))
    return Q(pk__in=found.values("pk"))


def search_among(text: str) -> Q:
    """Among few open requests, looked at one by one: put it behind what makes them few."""
    return _condition(Search.read(text), [_OPEN])


def search_all(text: str) -> Q:
    """Among all requests. Reads the agents' names; use it within `bounded_search`."""
    return _condition(Search.read(text), [_OPEN, ~_OPEN])


def find_requests(user: User, text: str, limit: int) -> list[ApprovalRequest]:
    """The newest that this person may see. Raises unavailable where it takes too long."""
    found = visible_requests(user).filter(search_all(text)).select_related("agent", "team")
    lean = found.defer("context", "resume_state", "metadata", "confidence", "risk", "action")
    with bounded_search():
        return list(lean.order_by("-id")[:limit])


@contextmanager
def bounded_search() -> Iterator[None]:
    """Raises unavailable where the statements within take too long."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(MOST_MS)])
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise Problem(
            "unavailable", "Looking for this takes too long: add a longer word, or a filter."
        ) from error


def _condition(search: Search, parts: Sequence[Q]) -> Q:
    """`parts`: the conditions of the indexes; without them the database would not use any."""
    if not search.words:
        return Q(pk__in=())
    words = reduce(and_, map(_word, search.words, _agents_named(search.words)))
    found = reduce(or_, [part & words for part in parts])
    return found | Q(pk__range=search.ids) if search.ids else found


def _word(word: str, agents: Sequence[UUID]) -> Q:
    """In the request itself, or in the name of one of its agents."""
    here = Q(_contains(_text(F("action_type"), F("description"), F("action")), word))
    return here | Q(agent__in=agents) if agents else here


def _agents_named(words: Sequence[str]) -> list[list[UUID]]:
    """For each word. They are read first: against a list of ids the database knows how many
    requests to expect, and takes the index or the newest accordingly.
    """
    name = _text(Value(""), F("name"), Value(b""))
    flags = {f"word_{place}": _contains(name, word) for place, word in enumerate(words)}
    named = reduce(or_, [Q(**{flag: True}) for flag in flags])
    found = list(Agent.objects.annotate(**flags).filter(named).values_list("pk", *flags))
    return [[pk for pk, *has in found if has[place]] for place in range(len(words))]


def _text(*columns: F | Value) -> Func:
    return Func(*columns, function="request_search_text", output_field=TextField())


def _contains(text: Func, word: str) -> Func:
    before = " " if _SHORT.fullmatch(word) else ""
    pattern = Func(Value(f"%{before}{word.translate(_ESCAPED)}%"), function="lower")
    return Func(
        text, pattern, template="%(expressions)s", arg_joiner=" LIKE ", output_field=BooleanField()
    )
