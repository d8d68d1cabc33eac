"""Views: a person's own names for filters of the queue. They are nobody else's, and no record.

The view at position 0 is the person's default: what the bare address of the queue leads to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.http import QueryDict

from approvals.console.filters import QueueFilter
from approvals.models import SavedView
from hitlconsole.accounts.models import User
from hitlconsole.lib.jsonvalues import find_flaw
from hitlconsole.lib.problems import Problem, invalid_field

MOST_VIEWS = 20
MAX_NAME = 40
MAX_QUERY = 500
DEFAULT = 0


@dataclass(frozen=True, slots=True)
class View:
    """A saved view, and the filter that its query means today."""

    saved: SavedView
    wanted: QueueFilter

    @property
    def id(self) -> UUID:
        return self.saved.id

    @property
    def name(self) -> str:
        return self.saved.name

    @property
    def query(self) -> str:
        return self.wanted.query()

    @property
    def default(self) -> bool:
        return self.saved.position == DEFAULT


def load_views(user: User) -> list[View]:
    """The default first, the others as the person ordered them."""
    return [View(saved, read_query(saved.query)) for saved in _own(user)]


def _own(user: User) -> Sequence[SavedView]:
    return list(SavedView.objects.filter(user=user))


def read_query(query: str) -> QueueFilter:
    return QueueFilter.read(QueryDict(query).dict())


@transaction.atomic
def save_view(user: User, name: str, wanted: QueueFilter) -> SavedView:
    """Raises invalid_request (field name)."""
    views = _locked(user)
    if len(views) >= MOST_VIEWS:
        raise invalid_field("name", f"You have {MOST_VIEWS} views; delete one first.")
    query = wanted.query()
    if len(query) > MAX_QUERY:
        raise invalid_field("name", "These filters are too long to be kept as a view.")
    name = _free_name(name, views)
    position = max((view.position for view in views), default=DEFAULT) + 1
    return SavedView.objects.create(user=user, name=name, query=query, position=position)


@transaction.atomic
def rename_view(user: User, view_id: UUID, name: str) -> None:
    """Raises not_found, invalid_request (field name)."""
    views = _locked(user)
    view = _found(views, view_id)
    view.name = _free_name(name, [other for other in views if other is not view])
    view.save(update_fields=["name"])


@transaction.atomic
def delete_view(user: User, view_id: UUID) -> None:
    """Raises not_found."""
    _found(_locked(user), view_id).delete()


@transaction.atomic
def move_view(user: User, view_id: UUID, step: int) -> None:
    """-1: towards the front, 1: away from it; the default stays at the front. Raises not_found."""
    views = _locked(user)
    view = _found(views, view_id)
    others = [other for other in views if other.position != DEFAULT]
    if view not in others:
        return
    place = others.index(view)
    others.insert(min(max(place + step, 0), len(others) - 1), others.pop(place))
    _number(others)


@transaction.atomic
def choose_default(user: User, view_id: UUID, *, chosen: bool) -> None:
    """Make it what the queue opens with, or one of the others again. Raises not_found."""
    views = _locked(user)
    view = _found(views, view_id)
    others = [other for other in views if other is not view]
    if not chosen:
        _number([view, *others])
        return
    view.position = DEFAULT
    view.save(update_fields=["position"])
    _number(others)


def _number(views: Sequence[SavedView]) -> None:
    for position, view in enumerate(views, start=DEFAULT + 1):
        view.position = position
    SavedView.objects.bulk_update(views, ["position"])


def _locked(user: User) -> Sequence[SavedView]:
    """The person's views, which nobody changes meanwhile."""
    User.objects.select_for_update().get(pk=user.pk)
    return _own(user)


def _found(views: Sequence[SavedView], view_id: UUID) -> SavedView:
    for view in views:
        if view.id == view_id:
            return view
    raise Problem("not_found", "You have no such view.")


def _free_name(name: str, others: Sequence[SavedView]) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise invalid_field("name", f"Give it a name of 1 to {MAX_NAME} characters.")
    flaw = find_flaw(name)
    if flaw is not None:
        raise invalid_field("name", flaw.msg)
    if name.casefold() in {other.name.casefold() for other in others}:
        raise invalid_field("name", "You have a view of this name.")
    return name
