"""Filters that stand in the URL: read leniently, written back for links. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from approvals.vocabulary import Resolution, Status
from autonomy.vocabulary import Level

MAX_TEXT = 200


def read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def read_text(text: str) -> str:
    """Postgres takes no NUL."""
    return text.replace("\x00", "").strip()[:MAX_TEXT]


@dataclass(frozen=True, slots=True)
class QueueFilter:
    mine: bool = False
    due: bool = False
    strict: bool = False
    team: UUID | None = None
    agent: UUID | None = None
    type: str = ""
    q: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        return cls(
            mine=query.get("mine") == "1",
            due=query.get("due") == "1",
            strict=query.get("strict") == "1",
            team=read_uuid(query.get("team", "")),
            agent=read_uuid(query.get("agent", "")),
            type=read_text(query.get("type", "")),
            q=read_text(query.get("q", "")),
        )

    @property
    def active(self) -> bool:
        return self != type(self)()

    def toggled(self, name: str) -> str:
        flipped: Any = {name: not getattr(self, name)}
        return query_string(replace(self, **flipped))

    def query(self, **more: str) -> str:
        return query_string(self, **more)


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    status: Status | None = None
    level: Level | None = None
    resolution: Resolution | None = None
    agent: UUID | None = None
    type: str = ""
    since: str = ""
    until: str = ""
    q: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        return cls(
            status=_member(Status, query.get("status", "")),
            level=Level.__members__.get(query.get("level", "")),
            resolution=_member(Resolution, query.get("resolution", "")),
            agent=read_uuid(query.get("agent", "")),
            type=read_text(query.get("type", "")),
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
            q=read_text(query.get("q", "")),
        )

    @property
    def active(self) -> bool:
        return self != type(self)()

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


def query_string(values: Any, **more: str) -> str:
    """The filter as it stands in a URL: what is not set is left out."""
    pairs = {field.name: _written(getattr(values, field.name)) for field in fields(values)}
    return urlencode({name: text for name, text in (pairs | more).items() if text})


def _written(value: object) -> str:
    if isinstance(value, Level):
        return value.name
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list that is sorted by a time and an id; a time of None sorts last."""

    moment: datetime | None
    id: UUID

    def __str__(self) -> str:
        return f"{self.moment.isoformat() if self.moment else ''}~{self.id}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        moment, _, identity = text.partition("~")
        uuid = read_uuid(identity)
        try:
            parsed = datetime.fromisoformat(moment) if moment else None
        except ValueError:
            return None
        if uuid is None or (parsed is not None and parsed.tzinfo is None):
            return None
        return cls(parsed, uuid)
