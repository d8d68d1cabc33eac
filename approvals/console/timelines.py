"""The record with names: the audit log itself holds ids alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals.console.words import event_words
from audit.events import ActorKind
from audit.timeline import Entry, request_timeline
from hitlconsole.accounts.models import Agent, User

CHANNEL_WORDS = {"web": "console", "api": "API", "sweep": "time limit", "poll": "agent's poll"}


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """An event as people read it. `actor` is a name where one is known, else kind and id."""

    entry: Entry
    words: str
    actor: str
    agent: str

    @property
    def fields(self) -> dict[str, Any]:
        return self.entry.fields

    @property
    def channel(self) -> str:
        channel = self.fields["channel"] or ""
        return CHANNEL_WORDS.get(channel, channel)

    @property
    def changed_status(self) -> bool:
        """Only the first event of a request has a status and none before it."""
        before, after = self.fields["status_before"], self.fields["status_after"]
        return before != after if before else after is not None and self.entry.type == "requested"


def named_timeline(request_id: UUID) -> list[NamedEntry]:
    return name_entries(request_timeline(request_id))


def name_entries(entries: Sequence[Entry]) -> list[NamedEntry]:
    """Two queries for all of them."""
    people = _names(User, (e.actor_id for e in entries if e.actor_kind == ActorKind.PERSON))
    agents = _names(Agent, (e.fields["agent_id"] for e in entries))
    return [
        NamedEntry(
            entry=entry,
            words=event_words(entry.type),
            actor=_actor(entry, people, agents),
            agent=agents.get(entry.fields["agent_id"] or "", ""),
        )
        for entry in entries
    ]


def _names(model: type[User] | type[Agent], ids: Iterable[str | None]) -> dict[str, str]:
    wanted = {identity for identity in ids if identity}
    found = model._default_manager.filter(pk__in=wanted).values_list("pk", "name")
    return {str(identity): name for identity, name in found}


def _actor(entry: Entry, people: dict[str, str], agents: dict[str, str]) -> str:
    identity = entry.actor_id or ""
    match entry.actor_kind:
        case ActorKind.PERSON:
            return people.get(identity, f"a person who is gone ({identity})")
        case ActorKind.AGENT:
            return agents.get(identity, f"an agent that is gone ({identity})")
        case ActorKind.SERVICE:
            return "an outside system"
    return "the console"
