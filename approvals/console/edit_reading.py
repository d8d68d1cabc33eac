"""What was typed into an edit form, read back as arguments; and typed anew for another schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from approvals.console.argument_kinds import (
    MISSING,
    TEXTS,
    Kind,
    as_typed,
    pretty,
    read_json,
    read_typed,
)
from approvals.console.editing import (
    MORE_PREFIX,
    PREFIX,
    STATE_PREFIX,
    WHOLE,
    ArgumentField,
    FieldGroup,
    Node,
    State,
    edit_form,
    pointer,
    state_of,
)


class NotReadable(ValueError):
    """What was typed is not of its type; `errors` by place, "" is the whole."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(str(errors))
        self.errors = errors


def read_edit(
    arguments: dict[str, Any], schema: dict[str, Any] | None, typed: Mapping[str, str]
) -> dict[str, Any]:
    """The edited arguments. Fields that did not come keep their value. Raises NotReadable."""
    form = edit_form(arguments, schema, typed)
    if form.root is None:
        return _read_whole(typed.get(WHOLE, form.whole.before if form.whole else ""))
    errors: dict[str, str] = {}
    edited = _read_members(form.root, errors)
    if errors:
        raise NotReadable(errors)
    return edited


def _read_whole(text: str) -> dict[str, Any]:
    try:
        value = read_json(text)
    except ValueError as error:
        raise NotReadable({"": str(error)}) from None
    if not isinstance(value, dict):
        raise NotReadable({"": "must be a JSON object: { ... }"})
    return value


def _read(node: Node, errors: dict[str, str]) -> Any:
    """MISSING where nothing is left of it."""
    presence = node.presence
    if presence is not None and presence.changed:
        if presence.typed == State.NULL:
            return None
        if presence.typed == State.LEFT_OUT:
            return MISSING
    if isinstance(node, FieldGroup):
        return _read_group(node, errors)
    return _read_field(node, errors)


def _read_field(field: ArgumentField, errors: dict[str, str]) -> Any:
    given = field.presence is not None and field.presence.changed
    if not field.changed and not given:
        return field.value
    if _is_emptied(field):
        return MISSING
    try:
        return read_typed(field.typed, field.kind)
    except ValueError as error:
        errors[field.place] = str(error)
        return MISSING


def _is_emptied(field: ArgumentField) -> bool:
    """An optional field left empty is no value; a text may be empty, unless it is to be added."""
    return field.typed == "" and not field.required and (field.kind not in TEXTS or field.is_new)


def _read_group(group: FieldGroup, errors: dict[str, str]) -> Any:
    members = _read_items(group, errors) if group.is_list else _read_members(group, errors)
    there = isinstance(group.value, dict | list)
    given = group.presence is not None and group.presence.changed
    return members if members or there or given else group.value


def _read_items(group: FieldGroup, errors: dict[str, str]) -> list[Any]:
    items = (_read(child, errors) for child in group.children)
    return [item for item in items if item is not MISSING]


def _read_members(group: FieldGroup, errors: dict[str, str]) -> dict[str, Any]:
    read = {child.key: _read(child, errors) for child in group.children}
    members = {key: value for key, value in read.items() if value is not MISSING}
    return members | _read_more(group, members, errors)


def _read_more(
    group: FieldGroup, members: dict[str, Any], errors: dict[str, str]
) -> dict[str, Any]:
    if not group.more or not group.more.strip():
        return {}
    try:
        more = _read_whole(group.more)
    except NotReadable as error:
        errors[group.place] = f"further members: {error.errors['']}"
        return {}
    for key in sorted(members.keys() & more.keys()):
        errors[group.place] = f"further members: {key} has a field of its own"
    return more


def fitting(arguments: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any]:
    """Those of the arguments that another action type knows as well."""
    if not schema or schema.get("additionalProperties") is not False:
        return arguments
    if "patternProperties" in schema:
        return arguments
    known = schema.get("properties", {})
    return {key: value for key, value in arguments.items() if key in known}


def typed_for(
    edited: dict[str, Any], before: dict[str, Any], schema: dict[str, Any] | None
) -> dict[str, str]:
    """What would have to be typed into the form of `before` to arrive at `edited`."""
    form = edit_form(before, schema)
    if form.root is None:
        return {WHOLE: pretty(edited)}
    return dict(_typing(form.root, edited))


def _typing(node: Node, value: Any) -> Iterator[tuple[str, str]]:
    if node.presence is not None or value is MISSING:
        yield STATE_PREFIX + node.place, state_of(value).value
    if isinstance(node, ArgumentField):
        yield node.name, as_typed(value, node.kind)
    elif node.is_list and isinstance(value, list):
        yield from _typing_items(node, value)
    elif not node.is_list and isinstance(value, dict):
        yield from _typing_members(node, value)


def _typing_items(group: FieldGroup, items: list[Any]) -> Iterator[tuple[str, str]]:
    *there, new = group.children
    for place, child in enumerate(there):
        yield from _typing(child, items[place] if place < len(items) else MISSING)
    kind = new.kind if isinstance(new, ArgumentField) else Kind.JSON
    for place in range(len(there), len(items)):
        yield PREFIX + pointer((*group.path, place)), as_typed(items[place], kind)


def _typing_members(group: FieldGroup, members: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for child in group.children:
        yield from _typing(child, members.get(child.key, MISSING))
    known = {child.key for child in group.children}
    more = {key: value for key, value in members.items() if key not in known}
    if more:
        yield MORE_PREFIX + group.place, pretty(more)
