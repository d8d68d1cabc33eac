"""Escalation policies as they stand: of one team, or of all of them."""

import json
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from approvals.escalation.policy import DEFAULT_ESCALATION, EscalationPolicy
from approvals.models import TeamEscalation
from hitlconsole.lib.canonical import canonical_bytes


def escalation_of(team_id: UUID) -> EscalationPolicy:
    return escalations_of([team_id])[team_id]


def escalations_of(team_ids: Iterable[UUID]) -> dict[UUID, EscalationPolicy]:
    """One query; a team without a policy of its own has the default."""
    wanted = set(team_ids)
    found = TeamEscalation.objects.filter(team__in=wanted).values_list("team_id", "document")
    own = {team_id: _read(canonical_bytes(document)) for team_id, document in found}
    return {team_id: own.get(team_id, DEFAULT_ESCALATION) for team_id in wanted}


@lru_cache(maxsize=256)
def _read(document: bytes) -> EscalationPolicy:
    return EscalationPolicy.from_json(json.loads(document))
