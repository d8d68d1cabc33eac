"""JSON that the console sends: UTF-8, times in RFC 3339, money as decimal strings."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hitlconsole.lib.clock import rfc3339


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    return json.dumps(
        value, default=_encode, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()
