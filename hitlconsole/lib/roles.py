"""Database roles: the owner migrates, the application serves with narrower rights."""

from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql


def application_role(using: str) -> str | None:
    """The role that serves, or None where one role does everything."""
    serving = settings.DATABASES["default"].get("USER", "")
    migrating = connections[using].settings_dict.get("USER", "")
    return serving if serving and serving != migrating else None


def execute_for_role(using: str, statements: str) -> None:
    """Run GRANT and REVOKE statements in which {role} stands for the application's role."""
    role = application_role(using)
    if role is None:
        return
    with connections[using].cursor() as cursor:
        cursor.execute(sql.SQL(statements).format(role=sql.Identifier(role)))


def grant_tables(using: str, **kwargs: Any) -> None:
    """After a migration: rows of every table, but neither TRUNCATE nor ownership."""
    execute_for_role(
        using,
        """
        GRANT USAGE ON SCHEMA public TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
        """,
    )
