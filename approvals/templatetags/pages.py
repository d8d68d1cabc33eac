"""Words that the pages need: `{% load pages %}`."""

from collections.abc import Iterable
from typing import Any

from django import template

from approvals.console.effect import DOMAIN_WORDS
from approvals.console.words import (
    EVENT_LOOKS,
    LEVEL_EFFECT,
    RESOLUTION_WORDS,
    SILENCE_WORDS,
    SOURCE_WORDS,
)
from approvals.vocabulary import OnDeadline, Resolution
from autonomy.vocabulary import Domain, Level

register = template.Library()

SAID_BY_NO_STATE = (Resolution.AUTOMATIC, Resolution.HUMAN, Resolution.SILENT_CONSENT)


@register.filter
def level_name(level: int) -> str:
    return Level(level).label.lower()


@register.filter
def level_effect(level: int) -> str:
    return LEVEL_EFFECT[level]


@register.filter
def silence_words(meaning: str) -> str:
    return SILENCE_WORDS[OnDeadline(meaning)]


@register.filter
def resolution_words(resolution: str | None) -> str:
    return RESOLUTION_WORDS[Resolution(resolution)] if resolution else ""


@register.filter
def resolution_note(resolution: str | None) -> str:
    """How it was approved or rejected; the other states say it by themselves."""
    return resolution_words(resolution) if resolution in SAID_BY_NO_STATE else ""


@register.filter
def raised_from(level: int, trace: Iterable[dict[str, Any]]) -> int | None:
    """The level the policy had decided, where a request's level is stricter by now."""
    decided = max((Level[item["level"]].value for item in trace), default=level)
    return decided if decided < level else None


@register.filter
def sorted_words(domains: Iterable[str]) -> list[str]:
    return [DOMAIN_WORDS[Domain(domain)] for domain in sorted(domains)]


@register.filter
def with_sources(trace: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The trace with its sources in words, the binding ones first."""
    named = [item | {"source_words": SOURCE_WORDS.get(item["source"])} for item in trace]
    return sorted(named, key=lambda item: not item["binding"])


@register.filter
def is_text(value: object) -> bool:
    return isinstance(value, str)


@register.filter
def event_tone(event_type: str) -> str:
    return EVENT_LOOKS.get(event_type, ("neutral", ""))[0]


@register.filter
def event_icon(event_type: str) -> str:
    return EVENT_LOOKS.get(event_type, ("", "history"))[1]


@register.filter
def actor_look(kind: str) -> str:
    """How components/avatar.html draws an actor of the record."""
    return {"agent": "agent", "person": "person"}.get(kind, "system")


@register.filter
def from_ms(milliseconds: int) -> float:
    return milliseconds / 1000


@register.filter
def prefixed(value: object, prefix: str) -> str:
    return f"{prefix}{value}"
