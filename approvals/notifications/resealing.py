"""Sealing anew what was sealed with a former key, so that this key can go."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Model

from approvals.models import CallbackSecret, NotificationChannel
from hitlconsole.lib.secretbox import CannotOpen, reseal

SEALED: Sequence[tuple[type[Model], str]] = (
    (NotificationChannel, "secrets"),
    (CallbackSecret, "secret"),
    (CallbackSecret, "former"),
)


@transaction.atomic
def reseal_secrets() -> int:
    """All of them with the first key, or none; how many. Raises CannotOpen and says which."""
    return sum(_reseal_column(model, column) for model, column in SEALED)


def _reseal_column(model: type[Model], column: str) -> int:
    rows = list(model._default_manager.select_for_update().exclude(**{column: ""}).order_by("pk"))
    for row in rows:
        try:
            setattr(row, column, reseal(getattr(row, column)))
        except CannotOpen as error:
            raise CannotOpen(f"{row}: {error}") from None
        row.save(update_fields=[column])
    return len(rows)
