"""Tests run on real Postgres: a migrated template database, and clones of it.

`db` (pytest-django's) wraps a test in a transaction that is rolled back. `committed_db` gives a
test a database of its own, for threads and processes: the guards refuse TRUNCATE, so nothing is
flushed; the clone is dropped.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, ObjectInUse

from autonomy.services import policy_version

ALIASES = tuple(settings.DATABASES)

# The owner replaces the one clock by one that the tests can move.
MOVABLE_CLOCK = """
CREATE TABLE test_clock (shift interval NOT NULL);
INSERT INTO test_clock VALUES ('0');
CREATE OR REPLACE FUNCTION hitl_now() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT clock_timestamp() + (SELECT shift FROM test_clock)';
GRANT SELECT, UPDATE ON test_clock TO PUBLIC;
"""


def _owner_settings() -> dict:
    return connections["owner" if "owner" in ALIASES else "default"].settings_dict


def _administer(statement: str, *names: str) -> None:
    """CREATE and DROP DATABASE run outside of any transaction, as the owner."""
    config = _owner_settings()
    with psycopg.connect(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        password=config["PASSWORD"],
        dbname=config["ADMIN_NAME"],
        autocommit=True,
    ) as admin:
        composed = sql.SQL(statement).format(*map(sql.Identifier, names))
        for _ in range(100):
            try:
                admin.execute(composed)
            except (InsufficientPrivilege, ObjectInUse):
                # A vacuum worker of the server's own is in there: it leaves by itself.
                time.sleep(0.1)
            else:
                return
        admin.execute(composed)


def _point_at(name: str) -> None:
    for alias in ALIASES:
        connections[alias].close()
        close_pool(alias)
        connections[alias].settings_dict["NAME"] = name
        settings.DATABASES[alias]["NAME"] = name


def close_pool(alias: str = "default") -> None:
    """The pool opens again by itself, with the settings as they are then."""
    wrapper: Any = connections[alias]
    wrapper.close_pool()


def _clone(name: str, template: str) -> None:
    _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _administer("CREATE DATABASE {} TEMPLATE {}", name, template)


@pytest.fixture(scope="session")
def database_names(worker_id: str) -> dict[str, str]:
    base = settings.DATABASES["default"]["NAME"]
    return {kind: f"test_{base}_{worker_id}_{kind}" for kind in ("template", "shared", "own")}


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker, database_names: dict[str, str]) -> Iterator[None]:
    for alias in ALIASES:
        connections[alias].settings_dict["ADMIN_NAME"] = settings.DATABASES[alias]["NAME"]
    original = settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock():
        _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", database_names["template"])
        _administer("CREATE DATABASE {}", database_names["template"])
        _point_at(database_names["template"])
        owner = "owner" if "owner" in ALIASES else "default"
        call_command("migrate", database=owner, verbosity=0)
        with connections[owner].cursor() as cursor:
            cursor.execute(MOVABLE_CLOCK)
        _point_at(database_names["shared"])
        _clone(database_names["shared"], database_names["template"])
    yield
    with django_db_blocker.unblock():
        _point_at(original)
        for kind in ("shared", "template"):
            _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", database_names[kind])


@contextmanager
def _own_database(django_db_blocker, names: dict[str, str]) -> Iterator[str]:
    with django_db_blocker.unblock():
        _point_at(names["own"])
        _clone(names["own"], names["template"])
        yield names["own"]
        _point_at(names["shared"])
        _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", names["own"])


@pytest.fixture
def committed_db(
    django_db_setup, django_db_blocker, database_names: dict[str, str]
) -> Iterator[str]:
    """A database of the test's own; returns its name. Commits are real."""
    with _own_database(django_db_blocker, database_names) as name:
        yield name


@pytest.fixture(scope="module")
def committed_db_of_module(
    django_db_setup, django_db_blocker, database_names: dict[str, str]
) -> Iterator[str]:
    """One for all tests of a module, which have to bear each other's rows."""
    with _own_database(django_db_blocker, database_names) as name:
        yield name


@pytest.fixture(autouse=True)
def _forget_policies() -> None:
    """A version that a test published and rolled back gives its number to the next one."""
    policy_version.cache_clear()


@pytest.fixture
def advance_clock() -> Callable[..., None]:
    """Move the database's clock forward: advance_clock(seconds=301)."""

    def advance(**duration: float) -> None:
        with connection.cursor() as cursor:
            seconds = timedelta(**duration).total_seconds()
            cursor.execute(
                "UPDATE test_clock SET shift = shift + make_interval(secs => %s)", [seconds]
            )

    return advance
