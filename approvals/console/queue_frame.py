"""What stands around the queue's rows: its scope, the filters that are on, the person's views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from approvals.console.filters import EVERYTHING, QueueFilter, query_string
from approvals.console.queue import QueuePage
from approvals.console.queue_counts import Facets
from approvals.console.queue_words import TOGGLE_WORDS
from approvals.console.saved_views import View
from approvals.console.sorting import SORT_WORDS, Sort
from approvals.search import search_note
from hitlconsole.accounts.models import Team, User

SORT_OPTIONS = {
    Sort.DEADLINE: "By deadline",
    Sort.OLDEST: "Oldest first",
    Sort.NEWEST: "Newest first",
    Sort.LEVEL: "Strictest first",
    Sort.COST: "By cost",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on and can be taken off by itself; the value may be an agent's text."""

    label: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A view, with how much it holds; `name`: of its number on the page."""

    label: str
    url: str
    count: int
    name: str
    current: bool


def frame_context(
    user: User, wanted: QueueFilter, found: QueuePage, teams: list[Team], views: list[View]
) -> dict[str, Any]:
    return {
        "teams": teams,
        "scope": scope_words(teams, user, wanted.sort),
        "facets": found.facets,
        "toggles": [
            (label, wanted.toggled(name), name if getattr(wanted, name) else "")
            for name, label in TOGGLE_WORDS.items()
        ],
        "chips": list(_chips(wanted, teams, found.facets)),
        "search_note": search_note(wanted.q),
        "foreign_team": wanted.team is not None and _team_name(wanted, teams) is None,
        "sorts": SORT_OPTIONS.items(),
        "tabs": _tabs(wanted, found, views),
        "save_query": _unsaved(wanted, views),
        "everything_url": f"{reverse('console:queue')}?{query_string(QueueFilter(), **EVERYTHING)}",
        "list_url": f"{reverse('console:queue')}?{wanted.query()}",
        "delta_url": f"{reverse('console:queue-delta')}?{wanted.query()}",
    }


def scope_words(teams: list[Team], user: User, sort: Sort) -> str:
    """What the list holds and in which order, as a sentence."""
    if user.is_superuser:
        return f"Pending for all teams, {SORT_WORDS[sort]}"
    names = [team.name for team in teams]
    if not names:
        return "You are in no team yet: you see requests of agents that you own"
    last = f" and {names[-1]}" if len(names) > 1 else names[0]
    return f"Pending for {', '.join(names[:-1])}{last}, {SORT_WORDS[sort]}"


def _chips(wanted: QueueFilter, teams: Sequence[Team], facets: Facets) -> Sequence[Chip]:
    agents = dict(facets.agents)
    values: Mapping[str, str] = {
        "level": f"{wanted.level.value} {wanted.level.label}" if wanted.level is not None else "",
        "team": (_team_name(wanted, teams) or "another team") if wanted.team else "",
        "agent": agents.get(wanted.agent, "one with nothing open") if wanted.agent else "",
        "type": wanted.type,
        "q": wanted.q,
    }
    labels = {
        "level": "Level",
        "team": "Team",
        "agent": "Agent",
        "type": "Action type",
        "q": "Text",
    }
    return [
        Chip(labels[name], value, wanted.without(name)) for name, value in values.items() if value
    ]


def _team_name(wanted: QueueFilter, teams: Sequence[Team]) -> str | None:
    return next((team.name for team in teams if team.id == wanted.team), None)


def _tabs(wanted: QueueFilter, found: QueuePage, views: list[View]) -> list[Tab]:
    """The whole queue and the person's views; none where there is nothing to choose from."""
    if not views:
        return []
    whole = QueueFilter()
    tabs = [Tab("All", f"?{whole.query()}", found.counted.waiting, "queue", wanted == whole)]
    for view, count in zip(views, found.counted.by_view, strict=True):
        tabs.append(
            Tab(view.name, f"?{view.query}", count, f"view-{view.id}", wanted == view.wanted)
        )
    return tabs


def _unsaved(wanted: QueueFilter, views: list[View]) -> str:
    """The query that could be saved; empty where it is the whole queue or a view already."""
    known = [QueueFilter(), *(view.wanted for view in views)]
    return "" if wanted in known else wanted.query()
