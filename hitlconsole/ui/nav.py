"""What the navigation offers, and which of it a page belongs to."""

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class NavEntry:
    label: str
    url_name: str
    icon: str
    key: str
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    label: str
    url: str
    icon: str
    key: str
    shortcut: str
    active: bool
    count: int | None


NAV = (
    NavEntry("Home", "console:home", "home", "home", "g d"),
    NavEntry("Queue", "console:queue", "queue", "queue", "g q"),
    NavEntry("Requests", "console:requests", "requests", "requests", "g h"),
    NavEntry("Agents", "console:agents", "agents", "agents", "g a"),
    NavEntry("Action types", "console:action-types", "action-types", "action-types"),
    NavEntry("Policy", "console:policy", "policy", "policy", "g p"),
    NavEntry("Team", "console:team", "team", "team"),
    NavEntry("Escalation", "console:escalations", "escalate", "escalation"),
    NavEntry("Channels", "console:channels", "bell", "channels"),
    NavEntry("Health", "console:health", "eye", "health"),
    NavEntry("Audit", "audit:timeline", "audit", "audit", "g l"),
)


def _home_of(path: str, urls: list[str]) -> str:
    """The entry with the longest address above the page's; the root only stands for itself."""
    above = [url for url in urls if path == url or (url != "/" and path.startswith(url))]
    return max(above, key=len, default="")


def nav_items(
    path: str, counts: dict[str, int], hidden: Collection[str] = frozenset()
) -> list[NavItem]:
    """`hidden`: the keys of entries that lead nowhere for this person."""
    urls = [reverse(entry.url_name) for entry in NAV]
    home = _home_of(path, urls)
    return [
        NavItem(
            label=entry.label,
            url=url,
            icon=entry.icon,
            key=entry.key,
            shortcut=entry.shortcut,
            active=url == home,
            count=counts.get(entry.key),
        )
        for entry, url in zip(NAV, urls, strict=True)
        if entry.key not in hidden
    ]
