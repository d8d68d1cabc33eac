"""The refused requests that a request tries again, generation by generation."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.access import visible_requests
from approvals.models import ApprovalRequest
from hitlconsole.accounts.models import User

MOST_GENERATIONS = 5

_CHAIN = """
WITH RECURSIVE chain(id, previous_id, generation) AS (
    SELECT id, previous_id, 0 FROM approvals_approvalrequest WHERE id = %s
    UNION ALL
    SELECT earlier.id, earlier.previous_id, generation + 1
    FROM chain JOIN approvals_approvalrequest AS earlier ON earlier.id = chain.previous_id
    WHERE generation < %s
)
SELECT id FROM chain WHERE generation > 0 ORDER BY generation DESC
"""


@dataclass(frozen=True, slots=True)
class Generation:
    """A refused try beside the one that came after it."""

    request: ApprovalRequest
    action: dict[str, Any]
    next_action: dict[str, Any]
    is_last: bool

    @property
    def other_type(self) -> bool:
        return bool(self.action["type"] != self.next_action["type"])

    @property
    def before(self) -> Any:
        return self.action if self.other_type else self.action["arguments"]

    @property
    def after(self) -> Any:
        return self.next_action if self.other_type else self.next_action["arguments"]


@dataclass(frozen=True, slots=True)
class Lineage:
    """In time order, the oldest first; `hidden`: those that the person may not see; `cut`: there
    were more.
    """

    generations: Sequence[Generation]
    hidden: int = 0
    cut: bool = False


def load_lineage(user: User, request: ApprovalRequest) -> Lineage:
    """None or two queries."""
    if request.previous_id is None:
        return Lineage(())
    ids = _chain(request.id)
    cut = len(ids) > MOST_GENERATIONS
    ids = ids[-MOST_GENERATIONS:]
    seen = {
        found.pk: found
        for found in visible_requests(user)
        .filter(pk__in=ids)
        .select_related("closing_decision__reviewer")
    }
    tries = [seen[identity] for identity in ids if identity in seen]
    return Lineage(_beside(tries, request), hidden=len(ids) - len(tries), cut=cut)


def _chain(request_id: UUID) -> list[UUID]:
    """The earlier ones, the oldest first; one more than are shown tells that there are more."""
    with connection.cursor() as cursor:
        cursor.execute(_CHAIN, [request_id, MOST_GENERATIONS + 1])
        return [row[0] for row in cursor.fetchall()]


def _beside(tries: Sequence[ApprovalRequest], request: ApprovalRequest) -> list[Generation]:
    actions = [json.loads(bytes(one.action)) for one in (*tries, request)]
    return [
        Generation(one, actions[place], actions[place + 1], place == len(tries) - 1)
        for place, one in enumerate(tries)
    ]
