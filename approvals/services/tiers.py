"""Escalation policies as they stand: of one team, or of all of them."""

import json
import logging
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from approvals.escalation.policy import DEFAULT_ESCALATION, EscalationPolicy
from approvals.models import TeamEscalation
from autonomy.policy.reading import ReadError
from hitlconsole.lib.canonical import canonical_bytes

logger = logging.getLogger(__name__)


def escalation_of(team_id: UUID) -> EscalationPolicy:
    return escalations_of([team_id])[team_id]


def escalations_of(team_ids: Iterable[UUID]) -> dict[UUID, EscalationPolicy]:
    """One query; a team without a policy of its own has the default, and so has one whose policy
    cannot be read: time goes on for its requests, and somebody is told.
    """
    wanted = set(team_ids)
    found = TeamEscalation.objects.filter(team__in=wanted).values_list("team_id", "document")
    own = {team_id: _read(canonical_bytes(document)) for team_id, document in found}
    return {team_id: own.get(team_id, DEFAULT_ESCALATION) for team_id in wanted}


@lru_cache(maxsize=256)
def _read(document: bytes) -> EscalationPolicy:
    try:
        return EscalationPolicy.from_json(json.loads(document))
    except ReadError as error:
        logger.error("an escalation policy cannot be read: %s", error)
        return DEFAULT_ESCALATION
