"""Roles and the database in a new server: run inside the virtual environment, as

    python -m hitlconsole.local.database prepare|has-admin

The first takes libpq's variables (PGHOST ...) and the roles' passwords from the environment, the
second takes DATABASE_URL and ends with 0 (there is an admin) or 3 (there is none).
"""

import os
import sys
from pathlib import Path

import psycopg
from psycopg import sql

DATABASE = "hitl_console"
OWNER = "hitl_owner"
APP = "hitl_app"
EXTENSIONS = ("pg_trgm", "btree_gin")


def prepare() -> None:
    """Makes what is missing; may be repeated. Connected as the superuser."""
    with psycopg.connect(dbname="template1", autocommit=True) as connection:
        # In the template, so that databases made for tests have them too.
        for extension in EXTENSIONS:
            _execute(connection, "CREATE EXTENSION IF NOT EXISTS {}", sql.Identifier(extension))
    with psycopg.connect(dbname="postgres", autocommit=True) as connection:
        _make_role(connection, OWNER, os.environ["HITL_OWNER_PASSWORD"], "CREATEDB")
        _make_role(connection, APP, os.environ["HITL_APP_PASSWORD"], "NOCREATEDB")
        # To drop a test's database while the application's role is still connected to it.
        connection.execute(f"GRANT pg_signal_backend TO {OWNER}")
        if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
            connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
            connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {APP}")


def has_admin() -> bool:
    with psycopg.connect(_database_url()) as connection:
        return _exists(connection, "SELECT FROM accounts_user WHERE is_superuser AND is_active")


def _database_url() -> str:
    if file := os.environ.get("DATABASE_URL_FILE"):
        return Path(file).read_text().strip()
    return os.environ["DATABASE_URL"]


def _make_role(connection: psycopg.Connection, name: str, password: str, rights: str) -> None:
    verb = (
        "ALTER"
        if _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", name)
        else "CREATE"
    )
    _execute(
        connection,
        f"{verb} ROLE {{}} LOGIN NOSUPERUSER NOCREATEROLE {rights} PASSWORD {{}}",
        sql.Identifier(name),
        sql.Literal(password),
    )


def _exists(connection: psycopg.Connection, query: str, *parameters: str) -> bool:
    row = connection.execute(f"SELECT EXISTS ({query})", parameters).fetchone()
    return row is not None and row[0]


def _execute(connection: psycopg.Connection, template: str, *parts: sql.Composable) -> None:
    connection.execute(sql.SQL(template).format(*parts))


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        sys.exit(0 if has_admin() else 3)
