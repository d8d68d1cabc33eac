"""An action as a form: a typed field for every argument, nested as the schema is. Pure.

A field is named after the place of its value: `arg:` and the keys that lead there, joined by
slashes (within a key `~1` is a slash and `~0` a tilde). `is:` and the same place says whether a
value is given, null or left out; `more:` holds members that no field has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from approvals.console.argument_kinds import (
    MISSING,
    TEXTS,
    Choice,
    Kind,
    Spec,
    as_typed,
    kind_of,
    pretty,
    read_spec,
)

PREFIX = "arg:"
STATE_PREFIX = "is:"
MORE_PREFIX = "more:"
WHOLE = "arguments"
MAX_DEPTH = 5
MOST_ITEMS = 50

Path = tuple[str | int, ...]


class State(StrEnum):
    """Whether there is a value, where a field by itself cannot say so."""

    GIVEN = "given"
    NULL = "null"
    LEFT_OUT = "absent"


STATE_WORDS = {
    State.GIVEN: "given",
    State.NULL: "null",
    State.LEFT_OUT: "left out",
}


@dataclass(frozen=True, slots=True)
class Presence:
    """The states that a place may have; none where the field itself says it."""

    choices: tuple[Choice, ...]
    before: State
    typed: str

    @property
    def changed(self) -> bool:
        return self.typed != self.before


class Placed:
    """Where a value stands in the arguments."""

    __slots__ = ()
    path: Path

    @property
    def key(self) -> str:
        return str(self.path[-1]) if self.path else ""

    @property
    def place(self) -> str:
        return pointer(self.path)

    @property
    def is_item(self) -> bool:
        return bool(self.path) and isinstance(self.path[-1], int)


@dataclass(frozen=True, slots=True)
class ArgumentField(Placed):
    """One value: as it is, what was typed for it, and how it is typed."""

    path: Path
    name: str
    kind: Kind
    typed: str
    before: str
    value: object = MISSING
    required: bool = False
    nullable: bool = False
    help: str = ""
    choices: tuple[Choice, ...] = ()
    presence: Presence | None = None
    error: str = ""
    is_group: bool = field(default=False, init=False)

    @property
    def input_id(self) -> str:
        return "edit-" + (self.place or WHOLE)

    @property
    def typed_is_offered(self) -> bool:
        return any(choice.value == self.typed for choice in self.choices)

    @property
    def is_new(self) -> bool:
        """A place at the end of a list, to add to it."""
        return self.is_item and self.value is MISSING

    @property
    def changed(self) -> bool:
        return self.typed.replace("\r\n", "\n") != self.before.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class FieldGroup(Placed):
    """The members of an object or the items of a list."""

    path: Path
    children: "tuple[Node, ...]"
    value: object = MISSING
    is_list: bool = False
    required: bool = False
    help: str = ""
    presence: Presence | None = None
    # Text of further members as a JSON object; None where the schema allows none.
    more: str | None = None
    error: str = ""
    is_group: bool = field(default=True, init=False)


Node = ArgumentField | FieldGroup


@dataclass(frozen=True, slots=True)
class EditForm:
    """With a registered schema a field for each value, otherwise the arguments as one JSON text."""

    root: FieldGroup | None
    whole: ArgumentField | None = None

    @property
    def fields(self) -> tuple[Node, ...]:
        return self.root.children if self.root else ()

    @property
    def nodes(self) -> Iterator[Node]:
        return _walk(self.root) if self.root else iter(())


def pointer(path: Path) -> str:
    return "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _walk(group: FieldGroup) -> Iterator[Node]:
    yield group
    for child in group.children:
        if isinstance(child, FieldGroup):
            yield from _walk(child)
        else:
            yield child


def edit_form(
    arguments: dict[str, Any],
    schema: dict[str, Any] | None,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> EditForm:
    """`typed`: what came back from the browser; `errors`: by place, "" is the whole."""
    typed, errors = typed or {}, errors or {}
    spec = read_spec(schema, schema or {})
    if not isinstance(spec.schema.get("properties"), dict) or not spec.schema["properties"]:
        return EditForm(None, _whole(arguments, typed, errors))
    root = _Builder(schema or {}, typed).group((), spec, arguments, required=True)
    return EditForm(_with_errors(root, _at_nodes(root, errors)))


def _whole(
    arguments: dict[str, Any], typed: Mapping[str, str], errors: Mapping[str, str]
) -> ArgumentField:
    before = pretty(arguments)
    error = "; ".join(f"{key}: {msg}" if key else msg for key, msg in errors.items())
    text = typed.get(WHOLE, before)
    return ArgumentField((), WHOLE, Kind.JSON, text, before, arguments, True, error=error)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Makes the fields of a value and of everything in it."""

    schema: Mapping[str, Any]
    typed: Mapping[str, str]

    def node(self, path: Path, schema: object, value: object, *, required: bool) -> Node:
        spec = read_spec(schema, self.schema)
        if len(path) < MAX_DEPTH and _fits_object(spec, value):
            return self.group(path, spec, value, required=required)
        if len(path) < MAX_DEPTH and _fits_list(spec, value):
            return self._list(path, spec, value, required=required)
        return self._field(path, spec, value, required=required)

    def _field(self, path: Path, spec: Spec, value: object, *, required: bool) -> ArgumentField:
        name, (kind, choices) = PREFIX + pointer(path), kind_of(spec, value)
        before = as_typed(value, kind)
        return ArgumentField(
            path=path,
            name=name,
            kind=kind,
            typed=self.typed.get(name, before),
            before=before,
            value=value,
            required=required,
            nullable=spec.nullable,
            help=spec.help,
            choices=choices,
            presence=self._presence(path, spec, value, required) if kind in TEXTS else None,
        )

    def group(self, path: Path, spec: Spec, value: object, *, required: bool) -> FieldGroup:
        properties = spec.schema.get("properties", {})
        members: Mapping[str, Any] = value if isinstance(value, dict) else {}
        needed = set(spec.schema.get("required", ()))
        others = spec.schema.get("additionalProperties")
        # The database does not keep the order of a schema's members, but that of a list.
        first = [key for key in spec.schema.get("required", ()) if key in properties]
        keys = list(dict.fromkeys([*first, *sorted(properties), *members]))
        children = tuple(
            self.node(
                (*path, key),
                properties.get(key, others),
                members.get(key, MISSING),
                required=key in needed,
            )
            for key in keys
        )
        more = self.typed.get(MORE_PREFIX + pointer(path), "" if _is_open(spec) else None)
        presence = self._presence(path, spec, value, required)
        return FieldGroup(path, children, value, False, required, spec.help, presence, more=more)

    def _list(self, path: Path, spec: Spec, value: object, *, required: bool) -> FieldGroup:
        """One place more than there are items: it adds one."""
        items = value if isinstance(value, list) else []
        inner = spec.schema["items"]
        places = range(max(len(items), self._added(path, len(items))) + 1)
        children = tuple(
            self.node((*path, place), inner, items[place], required=False)
            if place < len(items)
            else self._new_item((*path, place), inner)
            for place in places
        )
        presence = self._presence(path, spec, value, required)
        return FieldGroup(path, children, value, True, required, spec.help, presence)

    def _added(self, path: Path, length: int) -> int:
        """How many places there are with those that were filled in."""
        places = range(length, length + MOST_ITEMS)
        filled = [one for one in places if self.typed.get(PREFIX + pointer((*path, one)))]
        return filled[-1] + 1 if filled else length

    def _new_item(self, path: Path, schema: object) -> ArgumentField:
        """What consists of several values is added as JSON."""
        spec = read_spec(schema, self.schema)
        made = self._field(path, spec, MISSING, required=False)
        return replace(made, presence=None)

    def _presence(self, path: Path, spec: Spec, value: object, required: bool) -> Presence | None:
        before = state_of(value)
        states = [State.GIVEN]
        if spec.nullable or before is State.NULL:
            states.append(State.NULL)
        if not required or before is State.LEFT_OUT:
            states.append(State.LEFT_OUT)
        if len(states) == 1 or not path:
            return None
        choices = tuple(Choice(state.value, STATE_WORDS[state]) for state in states)
        return Presence(choices, before, self.typed.get(STATE_PREFIX + pointer(path), before))


def state_of(value: object) -> State:
    if value is MISSING:
        return State.LEFT_OUT
    return State.NULL if value is None else State.GIVEN


def _fits_object(spec: Spec, value: object) -> bool:
    known = spec.schema.get("properties") or isinstance(
        spec.schema.get("additionalProperties"), dict
    )
    fits = value is MISSING or value is None or isinstance(value, dict)
    return bool(known) and spec.type in ("object", None) and fits


def _fits_list(spec: Spec, value: object) -> bool:
    known = isinstance(spec.schema.get("items"), dict) and "prefixItems" not in spec.schema
    short = isinstance(value, list) and len(value) <= MOST_ITEMS
    return known and spec.type == "array" and (value is MISSING or value is None or short)


def _is_open(spec: Spec) -> bool:
    """Whether the schema says that there may be members which it does not name."""
    others = spec.schema.get("additionalProperties", False)
    return others is not False or "patternProperties" in spec.schema


def _at_nodes(root: FieldGroup, errors: Mapping[str, str]) -> dict[str, str]:
    """Each error at the nearest place that has a field; it says where below it."""
    places = {node.place for node in _walk(root)}
    found: dict[str, str] = {}
    for place, msg in errors.items():
        here, below = place, ""
        while here and here not in places:
            here, _, last = here.rpartition("/")
            below = f"{last}.{below}" if below else last
        found.setdefault(here, f"{below}: {msg}" if below else msg)
    return found


def _with_errors(group: FieldGroup, errors: Mapping[str, str]) -> FieldGroup:
    if not errors:
        return group
    children = tuple(
        _with_errors(child, errors)
        if isinstance(child, FieldGroup)
        else replace(child, error=errors.get(child.place, ""))
        for child in group.children
    )
    return replace(group, children=children, error=errors.get(group.place, ""))
