"""A filter of the queue in words. Pure."""

from collections.abc import Mapping
from uuid import UUID

from approvals.console.filters import QueueFilter
from approvals.console.sorting import SORT_WORDS

TOGGLE_WORDS = {
    "mine": "mine",
    "due": "due < 15 m",
    "strict": "level 3-4",
    "escalated": "escalated",
    "vote": "needs my vote",
}


def filter_words(wanted: QueueFilter, teams: Mapping[UUID, str], agents: Mapping[UUID, str]) -> str:
    """Like "level 3-4, agent support-bot, by cost"; names that the person may read."""
    words = [text for name, text in TOGGLE_WORDS.items() if getattr(wanted, name)]
    if wanted.level is not None:
        words.append(f"level {wanted.level.value}")
    if wanted.team:
        words.append(f"team {teams.get(wanted.team, 'that is none of yours')}")
    if wanted.agent:
        words.append(f"agent {agents.get(wanted.agent, 'that you do not see')}")
    if wanted.type:
        words.append(wanted.type)
    if wanted.q:
        words.append(f'"{wanted.q}"')
    return ", ".join([*(words or ["everything"]), SORT_WORDS[wanted.sort]])
