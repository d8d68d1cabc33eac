from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest

from hitlconsole.ui.keys import KEY_GROUPS
from hitlconsole.ui.nav import NavItem, nav_items
from hitlconsole.ui.preferences import PREFERENCES

Counts = dict[str, int]


def ui(request: HttpRequest) -> dict[str, Any]:
    """theme, density, shortcuts; `nav_items`, made when a template asks; the keyboard map.

    A view that knows numbers for the navigation sets `request.nav_counts`, by the entries' keys.
    """
    chosen = {preference.name: preference.read(request) for preference in PREFERENCES}
    items: Callable[[], list[NavItem]] = partial(_items, request)
    return chosen | {"nav_items": items, "key_groups": KEY_GROUPS}


def _items(request: HttpRequest) -> list[NavItem]:
    counts: Counts = getattr(request, "nav_counts", {})
    return nav_items(request.path, counts)
