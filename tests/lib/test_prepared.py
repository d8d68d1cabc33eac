"""Hot statements are planned once a connection, through Django's own wrapper."""

import pytest
from django.db import DataError, connection, transaction

from hitlconsole.lib.prepared import prepared_cursor

COUNT = "SELECT number * %s FROM generate_series(1, 3) AS series (number)"


def test_a_statement_is_prepared_at_its_fifth_use(db: None) -> None:
    results = []
    for factor in range(8):
        with prepared_cursor() as cursor:
            cursor.execute(COUNT, [factor])
            results.append([number for (number,) in cursor.fetchall()])
    assert results == [[factor, 2 * factor, 3 * factor] for factor in range(8)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(generic_plans + custom_plans) FROM pg_prepared_statements"
            " WHERE statement LIKE 'SELECT number * $1%%'"
        )
        # Python's own count: the first five went without.
        assert cursor.fetchone() == (1, 3)


def test_errors_are_djangos_own(db: None) -> None:
    with (
        pytest.raises(DataError, match="division by zero"),
        transaction.atomic(),
        prepared_cursor() as cursor,
    ):
        cursor.execute("SELECT 1 / %s::int", [0])
