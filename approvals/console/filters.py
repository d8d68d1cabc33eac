"""Filters that stand in the URL: read leniently, written back for links. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from approvals.console.sorting import Sort
from approvals.selectors import FIRST_YEAR, LAST_YEAR
from approvals.vocabulary import Resolution, Status
from autonomy.vocabulary import Level

MAX_TEXT = 200
MAX_DIGITS = 9


def read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def read_text(text: str) -> str:
    """Postgres takes no NUL."""
    return text.replace("\x00", "").strip()[:MAX_TEXT]


def read_search(text: str) -> str:
    """A little more than is looked for, so that a page can tell that it was cut."""
    return text.replace("\x00", "").strip()[: MAX_TEXT + 1]


def _flag(text: str) -> bool | None:
    return {"1": True, "0": False}.get(text)


def _sort(text: str) -> Sort | None:
    return Sort(text) if text in set(Sort) else None


def _level(text: str) -> Level | None:
    return Level.__members__.get(text)


# How a filter of the queue is read; None: that is no value of it.
READERS: dict[str, Callable[[str], Any]] = {
    "mine": _flag,
    "due": _flag,
    "strict": _flag,
    "escalated": _flag,
    "vote": _flag,
    "level": _level,
    "team": read_uuid,
    "agent": read_uuid,
    "type": read_text,
    "q": read_search,
    "sort": _sort,
}
# What a link to the queue without any filter says, so that it is not taken for a wish for the
# person's default view.
EVERYTHING = {"view": "all"}


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What the queue shows, and in which order."""

    mine: bool = False
    due: bool = False
    strict: bool = False
    escalated: bool = False
    vote: bool = False
    level: Level | None = None
    team: UUID | None = None
    agent: UUID | None = None
    type: str = ""
    q: str = ""
    sort: Sort = Sort.DEADLINE

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """What can't be read is left out; `ignored_filters` names it."""
        read = {name: READERS[name](text) for name, text in _given(query)}
        return cls(**{name: value for name, value in read.items() if value is not None})

    @property
    def active(self) -> bool:
        """Whether it hides something."""
        return self != type(self)(sort=self.sort)

    def toggled(self, name: str) -> str:
        flipped: Any = {name: not getattr(self, name)}
        return replace(self, **flipped).query()

    def without(self, name: str) -> str:
        """The address of the queue when this filter is taken off."""
        off: Any = {name: getattr(type(self)(), name)}
        return replace(self, **off).query()

    def query(self, **more: str) -> str:
        return query_string(self, **more) or urlencode(EVERYTHING)


def ignored_filters(query: Mapping[str, str]) -> list[str]:
    """The names of the filters in the address whose values say nothing."""
    return [name for name, text in _given(query) if READERS[name](text) is None]


def _given(query: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, query[name]) for name in READERS if query.get(name)]


class Said(StrEnum):
    """What people made of a request; overridden: rejected or edited."""

    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """`closed_from` belongs to it, `closed_to` does not; so do `took_from` and `took_under`, the
    seconds from the first look at a request to a person's verdict. `by`: who gave it.
    """

    status: Status | None = None
    level: Level | None = None
    resolution: Resolution | None = None
    agent: UUID | None = None
    type: str = ""
    since: str = ""
    until: str = ""
    q: str = ""
    said: Said | None = None
    by: UUID | None = None
    closed_from: datetime | None = None
    closed_to: datetime | None = None
    took_from: int | None = None
    took_under: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        return cls(
            status=_member(Status, query.get("status", "")),
            level=_level(query.get("level", "")),
            resolution=_member(Resolution, query.get("resolution", "")),
            agent=read_uuid(query.get("agent", "")),
            type=read_text(query.get("type", "")),
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
            q=read_search(query.get("q", "")),
            said=_member(Said, query.get("said", "")),
            by=read_uuid(query.get("by", "")),
            closed_from=_moment(query.get("closed_from", "")),
            closed_to=_moment(query.get("closed_to", "")),
            took_from=_seconds(query.get("took_from", "")),
            took_under=_seconds(query.get("took_under", "")),
        )

    @property
    def active(self) -> bool:
        return self != type(self)()

    def without(self, *names: str) -> str:
        off: Any = {name: getattr(type(self)(), name) for name in names}
        return replace(self, **off).query()

    def query(self, **more: str) -> str:
        return query_string(self, **more)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    type: str = ""
    agent: UUID | None = None
    request: UUID | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        return cls(
            type=read_text(query.get("type", "")),
            agent=read_uuid(query.get("agent", "")),
            request=read_uuid(query.get("request", "")),
        )

    @property
    def active(self) -> bool:
        return self != type(self)()

    def query(self, **more: str) -> str:
        return query_string(self, **more)


def _member(words: Any, text: str) -> Any:
    return words(text) if text in set(words) else None


def _day(text: str) -> str:
    """A date as the browser's date field writes it, or nothing."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007 - a day
    except ValueError:
        return ""


def _moment(text: str) -> datetime | None:
    """With its zone, in years that every part of the console can hold."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo and FIRST_YEAR <= moment.year < LAST_YEAR else None


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None


def query_string(values: Any, **more: str) -> str:
    """The filter as it stands in a URL: what is not set is left out."""
    pairs = {field.name: _written(getattr(values, field.name)) for field in fields(values)}
    return urlencode({name: text for name, text in (pairs | more).items() if text})


def _written(value: object) -> str:
    if isinstance(value, Level):
        return value.name
    if isinstance(value, bool):
        return "1" if value else ""
    if value is Sort.DEADLINE:
        return ""
    return "" if value is None else str(value)
