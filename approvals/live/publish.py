"""Telling open pages that something in their sight has changed, after the commit.

Only ids travel. What has changed, each page asks for itself, with its own viewer's rights.
"""

from collections.abc import Iterable
from functools import partial
from typing import Protocol
from uuid import UUID

from django.db import transaction

from hitlconsole.lib.broadcast import Fact, broadcast

CHANGED = "changed"
# Who looks at a request is news only for those who have it open themselves.
LOOKED = "looked"


class Shown(Protocol):
    """A request or a takeover, as rights and lists know it."""

    id: UUID
    team_id: UUID
    agent_id: UUID


def tell_changed(shown: Iterable[Shown]) -> None:
    """What lists and heads show of these is not what it was."""
    _after_commit(CHANGED, shown)


def tell_looked(shown: Shown) -> None:
    """Somebody has this request open who had not."""
    _after_commit(LOOKED, [shown])


def _after_commit(kind: str, shown: Iterable[Shown]) -> None:
    facts: list[Fact] = [(kind, str(one.team_id), str(one.agent_id), str(one.id)) for one in shown]
    if facts:
        transaction.on_commit(partial(broadcast, facts))
