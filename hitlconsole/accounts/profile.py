"""What people change about themselves."""

from django.db import transaction

from audit.events import Event, EventType, person_stream
from audit.services import record
from hitlconsole.accounts.models import User
from hitlconsole.accounts.services import person
from hitlconsole.lib.clock import database_now


@transaction.atomic
def rename_person(user: User, name: str) -> None:
    if user.name == name:
        return
    user.name = name
    user.save(update_fields=["name"])
    _record_change(user, "name", {"name": name})


@transaction.atomic
def set_password(user: User, password: str) -> None:
    """The password itself is on no record; that it changed is."""
    user.set_password(password)
    user.save(update_fields=["password"])
    _record_change(user, "password", {})


def _record_change(user: User, field: str, personal: dict[str, object]) -> None:
    event = Event(
        EventType.PERSON_CHANGED,
        person_stream(user.id),
        person(user),
        payload={"fields": [field]},
        personal=personal,
    )
    record([event], at=database_now())
