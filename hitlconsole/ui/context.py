from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from django.http import HttpRequest

from hitlconsole.ui.keys import KEY_GROUPS
from hitlconsole.ui.nav import NavItem, nav_items
from hitlconsole.ui.preferences import PREFERENCES

Counts = dict[str, int]
Hidden = Callable[[], Collection[str]]


def ui(request: HttpRequest) -> dict[str, Any]:
    """theme, density, shortcuts; `nav_items`, made when a template asks; the keyboard map.

    A view that knows numbers for the navigation sets `request.nav_counts`, by the entries' keys;
    `request.nav_hidden` is asked for the keys of those that this person does not get.
    """
    chosen = {preference.name: preference.read(request) for preference in PREFERENCES}
    items: Callable[[], list[NavItem]] = partial(_items, request)
    return chosen | {"nav_items": items, "key_groups": KEY_GROUPS}


def _items(request: HttpRequest) -> list[NavItem]:
    counts: Counts = getattr(request, "nav_counts", {})
    hidden: Hidden = getattr(request, "nav_hidden", frozenset)
    return nav_items(request.path, counts, hidden())
