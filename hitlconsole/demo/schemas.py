"""JSON Schemas of the demonstration's actions. Pure."""

from typing import Any

Schema = dict[str, Any]


def arguments(*, optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object of exactly these members, all required but the optional ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def text(title: str, *, longest: int = 200) -> Schema:
    return {"type": "string", "title": title, "minLength": 1, "maxLength": longest}


def money(title: str) -> Schema:
    """A decimal string: an amount is never a double."""
    return {
        "type": "string",
        "title": title,
        "pattern": r"^[0-9]{1,9}\.[0-9]{2}$",
        "description": "With two decimals, such as 420.00",
    }


def choice(title: str, *values: str) -> Schema:
    return {"type": "string", "title": title, "enum": list(values)}


def count(title: str, *, most: int = 1_000_000) -> Schema:
    return {"type": "integer", "title": title, "minimum": 0, "maximum": most}


def flag(title: str) -> Schema:
    return {"type": "boolean", "title": title}


def members(title: str) -> Schema:
    """Names and their new values."""
    return {
        "type": "object",
        "title": title,
        "minProperties": 1,
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    }
