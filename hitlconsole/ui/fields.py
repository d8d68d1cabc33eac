"""Nested values as flat rows, so that people read every one of them; and what differs. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Field:
    """One value: where it stands, what it is, how it reads. Text is as written: show it inert."""

    path: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """change: same, changed, added or removed; a side that does not exist is None."""

    path: str
    change: str
    before: Field | None
    after: Field | None


def _step(path: str, key: str) -> str:
    """A key that is no plain word is quoted, so that it cannot pass for a deeper path."""
    if not _PLAIN_KEY.match(key):
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{key}" if path else key


def _leaf(path: str, value: Any) -> Field:
    if value is None:
        return Field(path, "null", "null")
    if isinstance(value, bool):
        return Field(path, "yes/no", "true" if value else "false")
    if isinstance(value, str):
        return Field(path, "text", value)
    return Field(path, "number", str(value))


def flatten(value: Any, path: str = "") -> Iterator[Field]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flatten(item, _step(path, str(key)))
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for index, item in enumerate(value):
            yield from flatten(item, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        yield Field(path, "empty object", "{}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield Field(path, "empty list", "[]")
    else:
        yield _leaf(path, value)


def json_rows(value: Any) -> list[Field]:
    return list(flatten(value))


def _change(before: Field | None, after: Field | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    same = (before.kind, before.text) == (after.kind, after.text)
    return "same" if same else "changed"


def field_changes(before: Any, after: Any) -> list[FieldChange]:
    """Field by field in the order of the new value, what was removed behind it."""
    old = {field.path: field for field in flatten(before)}
    new = {field.path: field for field in flatten(after)}
    paths = list(new) + [path for path in old if path not in new]
    return [
        FieldChange(path, _change(old.get(path), new.get(path)), old.get(path), new.get(path))
        for path in paths
    ]
