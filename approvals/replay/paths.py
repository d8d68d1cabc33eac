"""Values inside JSON by a path like `payment_methods[].amount`. Pure."""

import re
from typing import Any

PATH = re.compile(r"[A-Za-z_]\w*(?:\[\])?(?:\.[A-Za-z_]\w*(?:\[\])?)*")
_PLACE = re.compile(r"\{([^{}]*)\}")
NOT_GIVEN = "(not given)"


def is_path(text: str) -> bool:
    return PATH.fullmatch(text) is not None


def select(value: Any, path: str) -> list[Any]:
    """Every value at the path, in order; `[]` walks a list. What is missing selects nothing."""
    found = [value]
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = [item[name] for item in found if isinstance(item, dict) and name in item]
        if step.endswith("[]"):
            found = [member for item in found if isinstance(item, list) for member in item]
    return found


def places(template: str) -> list[str]:
    """The paths that a template names in braces."""
    return _PLACE.findall(template)


def fill(template: str, arguments: dict[str, Any]) -> str:
    """The template with each {path} replaced by what the arguments hold there."""
    return _PLACE.sub(lambda match: _words(select(arguments, match[1])), template)


def _words(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values) if values else NOT_GIVEN
