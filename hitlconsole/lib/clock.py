"""The database's clock is the only clock that deadlines know: the SQL function hitl_now()."""

from datetime import UTC, datetime

from django.db import connection
from django.db.models import DateTimeField, Func


class HitlNow(Func):
    """hitl_now() as an expression, for column defaults and queries."""

    function = "hitl_now"
    template = "%(function)s()"
    arity = 0

    def __init__(self) -> None:
        super().__init__(output_field=DateTimeField())


def database_now() -> datetime:
    """The database's time; call it after the row locks are held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT hitl_now()")
        now: datetime = cursor.fetchone()[0]
        return now


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as the API and the audit entries write times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{moment.microsecond // 1000:03d}Z"
    )
