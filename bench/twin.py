"""pgbench scripts that write exactly the rows which one submission wrote.

They are made from those very rows, so that they follow the schema: the same tables, columns and
values, with fresh ids and times, by agents taken at random. The triggers do what they always do.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from bench.pgbench import PgbenchError, Script, run_once

# In the order of writing: table, and which of its rows belong to a request.
TABLES = (
    ("approvals_approvalrequest", "id = %(id)s"),
    ("autonomy_evaluation", "request_id = %(id)s"),
    ("approvals_notification", "request_id = %(id)s"),
    ("audit_stream", "stream = 'request:' || %(id)s"),
    ("audit_event", "request_id = %(id)s"),
    (
        "audit_disclosure",
        "event_id IN (SELECT event_id FROM audit_event WHERE request_id = %(id)s)",
    ),
)
# What the database fills in by itself.
STAMPED = {("audit_event", name) for name in ("id", "txid", "recorded_at")}
STREAM = "'request:' || {request}"
# What differs from row to row; every other column gets the value that was found.
FRESH = {
    ("approvals_approvalrequest", "id"): "{request}",
    ("approvals_approvalrequest", "agent_id"): "{agent}",
    ("approvals_approvalrequest", "evaluation_id"): "{evaluation}",
    ("approvals_approvalrequest", "idempotency_key"): "CAST(gen_random_uuid() AS text)",
    ("approvals_approvalrequest", "waiting_since"): "{now}",
    ("approvals_approvalrequest", "deadline"): "{now} + interval '1 day'",
    ("approvals_approvalrequest", "reminder_at"): "{now} + interval '12 hours'",
    ("approvals_approvalrequest", "created_at"): "{now}",
    ("autonomy_evaluation", "id"): "{evaluation}",
    ("autonomy_evaluation", "request_id"): "{request}",
    ("autonomy_evaluation", "agent_id"): "{agent}",
    ("autonomy_evaluation", "created_at"): "{now}",
    ("approvals_notification", "id"): "{uuid}",
    ("approvals_notification", "request_id"): "{request}",
    ("approvals_notification", "next_attempt_at"): "{now}",
    ("approvals_notification", "created_at"): "{now}",
    ("audit_stream", "stream"): STREAM,
    ("audit_event", "event_id"): "{event}",
    ("audit_event", "stream"): STREAM,
    ("audit_event", "request_id"): "{request}",
    ("audit_event", "agent_id"): "{agent}",
    ("audit_event", "actor_id"): "{agent}",
    ("audit_disclosure", "event_id"): "{event}",
}


@dataclass(frozen=True)
class Row:
    """SQL expressions of the columns' values, with places for what is fresh."""

    table: str
    columns: Sequence[str]
    values: Sequence[str]


@dataclass(frozen=True)
class Twin:
    one_statement: Script
    separate: Script


def make_twin(database: psycopg.Connection, request_id: UUID, agents: Sequence[str]) -> Twin:
    """From the rows of a request that waits; `agents` are those who may ask in its place."""
    found: dict[str, str] = {}
    rows = list(_rows(database, request_id, found))
    found["agents"] = "{" + ",".join(agents) + "}"
    choice = f"\\set agent random(1, {len(agents)})\n"
    uuid = "uuidv7()" if database.info.server_version >= 180000 else "gen_random_uuid()"
    return Twin(
        Script(choice + _one_statement(rows, uuid), found),
        Script(choice + _separate(rows, uuid), found),
    )


def _rows(database: psycopg.Connection, request_id: UUID, found: dict[str, str]) -> Iterator[Row]:
    """Fills `found` with the values, each under a name that a row refers to."""
    for table, condition in TABLES:
        types = _column_types(database, table)
        texts = sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(column)) for column in types
        )
        query = sql.SQL("SELECT {} FROM {} WHERE ").format(texts, sql.Identifier(table))
        whole = query + sql.SQL(condition)
        for row in database.execute(whole, {"id": str(request_id)}).fetchall():
            values = zip(types.items(), row, strict=True)
            expressions = [_expression(table, *column, text, found) for column, text in values]
            yield Row(table, list(types), expressions)


def _column_types(database: psycopg.Connection, table: str) -> dict[str, str]:
    query = """SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
               WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
    columns = database.execute(query, [table]).fetchall()
    return {name: kind for name, kind in columns if (table, name) not in STAMPED}


def _expression(table: str, column: str, kind: str, text: str | None, found: dict[str, str]) -> str:
    if text is None:
        return f"CAST(NULL AS {kind})"
    if fresh := FRESH.get((table, column)):
        return fresh
    if not text:
        return "''"  # pgbench takes no empty values
    name = f"v{len(found)}"
    found[name] = text
    return f"CAST(:{name} AS {kind})"


def _insert(row: Row, fill: Callable[[str], str], source: str) -> str:
    values = ", ".join(fill(value) for value in row.values)
    return f"INSERT INTO {row.table} ({', '.join(row.columns)})\nSELECT {values}{source}"


def _one_statement(rows: Sequence[Row], uuid: str) -> str:
    """The limit: every row in one round trip."""
    names = {name: f"fresh.{name}" for name in ("request", "evaluation", "event", "agent", "now")}
    names["uuid"] = uuid
    parts = [
        f"fresh AS MATERIALIZED (SELECT {uuid} AS request, {uuid} AS evaluation, {uuid} AS event,"
        f" {_AGENT} AS agent, hitl_now() AS now)"
    ]
    inserts = [_insert(row, lambda value: value.format(**names), "\nFROM fresh") for row in rows]
    parts += [f"i{number} AS ({insert})" for number, insert in enumerate(inserts[:-1])]
    return "WITH " + ",\n".join(parts) + f"\n{inserts[-1]};\n"


_AGENT = "(CAST(:agents AS uuid[]))[:agent]"
# A client's own ids would cost it no round trip, so here they come back with the first use.
_RETURNING = {
    "approvals_approvalrequest": "id AS request, evaluation_id AS evaluation",
    "audit_event": "event_id AS event",
}


def _separate(rows: Sequence[Row], uuid: str) -> str:
    """The naive way: a statement for each table between BEGIN and COMMIT."""
    names = {"uuid": uuid, "agent": _AGENT, "now": "hitl_now()"}
    lines = ["BEGIN;"]
    for table, _ in TABLES:
        known = names | (_KNOWN if table != TABLES[0][0] else {"request": uuid, "evaluation": uuid})
        if table == "audit_event":
            known["event"] = uuid
        lines.append(_several([row for row in rows if row.table == table], known))
        returned = _RETURNING.get(table)
        lines[-1] += f"\nRETURNING {returned} \\gset" if returned else ";"
    return "\n".join([*lines, "COMMIT;"]) + "\n"


_KNOWN = {name: f"CAST(:{name} AS uuid)" for name in ("request", "evaluation", "event")}


def _several(rows: Sequence[Row], known: dict[str, str]) -> str:
    first, *others = [_insert(row, lambda value: value.format(**known), "") for row in rows]
    return "\nUNION ALL ".join([first, *(other.partition("\n")[2] for other in others)])


def check_twin(
    database: psycopg.Connection, twin: Twin, database_url: str, submitted: dict[str, int]
) -> None:
    """Raises PgbenchError where a script does not add to the tables what a submission added."""
    for script in (twin.one_statement, twin.separate):
        before = count_rows(database)
        run_once(script, database_url)
        added = rows_added(before, count_rows(database))
        if added != submitted:
            raise PgbenchError(f"the script adds {added}, a submission {submitted}")


def count_rows(database: psycopg.Connection) -> dict[str, int]:
    """Of every table there is."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    tables = [name for (name,) in database.execute(query).fetchall()]
    return {name: _count(database, name) for name in tables}


def _count(database: psycopg.Connection, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    row = database.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def rows_added(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}
