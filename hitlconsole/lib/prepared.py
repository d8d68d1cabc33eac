"""Cursors for the hot statements: Postgres plans them once a connection instead of each time.

Values travel beside the statement, not inside it, so that every parameter needs a cast where the
statement alone does not give its type away. A plan stays as it is until a table is analysed
again: what searches a table that grows by thousands of rows a minute is better planned each time,
or a scan chosen for a young table goes on while the table grows.
"""

from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper


def prepared_cursor() -> CursorWrapper:
    """Like connection.cursor(); a statement is prepared at its fifth use (settings)."""
    connection.ensure_connection()
    # The stubs take this class for Django's wrapper; it is psycopg's cursor.
    plain: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection.make_cursor(plain)
