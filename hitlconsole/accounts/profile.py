"""What people change about themselves."""

from dataclasses import asdict, dataclass
from datetime import time
from typing import Self

from django.db import transaction

from audit.events import Event, EventType, person_stream
from audit.services import record
from hitlconsole.accounts.models import Preferences, User
from hitlconsole.accounts.services import person
from hitlconsole.lib.clock import database_now

MAX_HOLD_SECONDS = 30
# The first-run hints by name; a hint is shown until the person puts it away.
HINTS = ("queue", "request", "empty", "home")


@dataclass(frozen=True, slots=True)
class Preferred:
    """What a person chose for themselves. Quiet hours are two times of day in `time_zone`, or none;
    where the end is not after the start they cross midnight.
    """

    hold_seconds: int = Preferences._meta.get_field("hold_seconds").default
    quiet_start: time | None = None
    quiet_end: time | None = None
    time_zone: str = "UTC"

    @classmethod
    def of(cls, row: Preferences) -> Self:
        return cls(row.hold_seconds, row.quiet_start, row.quiet_end, row.time_zone)


def preferences_of(user: User) -> Preferred:
    """Looked up once for each request: the person of it keeps the row."""
    return Preferred.of(_row_of(user))


def dismissed_hints(user: User) -> frozenset[str]:
    return frozenset(_row_of(user).hints)


def _row_of(user: User) -> Preferences:
    """Without a row of their own the defaults count."""
    try:
        return user.preferences
    except Preferences.DoesNotExist:
        return Preferences(user=user)


def _locked_row(user: User) -> Preferences:
    Preferences.objects.get_or_create(user=user)
    return Preferences.objects.select_for_update().get(user=user)


@transaction.atomic
def set_preferences(user: User, wanted: Preferred) -> None:
    """What stays as it is leaves nothing on the record."""
    row = _locked_row(user)
    before, after = asdict(Preferred.of(row)), asdict(wanted)
    changed = [name for name in after if after[name] != before[name]]
    for name in changed:
        setattr(row, name, after[name])
    row.save(update_fields=changed)
    user.preferences = row
    if changed:
        _record_change(user, changed, {name: _written(after[name]) for name in changed})


def _written(value: int | str | time | None) -> int | str:
    if value is None:
        return ""
    return value.strftime("%H:%M") if isinstance(value, time) else value


@transaction.atomic
def dismiss_hint(user: User, name: str) -> None:
    """For good; a hint that nobody knows is none."""
    row = _locked_row(user)
    row.hints = sorted({*row.hints, name}.intersection(HINTS))
    row.save(update_fields=["hints"])


def show_hints_again(user: User) -> None:
    Preferences.objects.filter(user=user).update(hints=[])


@transaction.atomic
def rename_person(user: User, name: str) -> None:
    if user.name == name:
        return
    user.name = name
    user.save(update_fields=["name"])
    _record_change(user, ["name"], {"name": name})


@transaction.atomic
def set_password(user: User, password: str) -> None:
    """The password itself is on no record; that it changed is."""
    user.set_password(password)
    user.save(update_fields=["password"])
    _record_change(user, ["password"], {})


def _record_change(user: User, fields: list[str], personal: dict[str, object]) -> None:
    event = Event(
        EventType.PERSON_CHANGED,
        person_stream(user.id),
        person(user),
        payload={"fields": fields},
        personal=personal,
    )
    record([event], at=database_now())
