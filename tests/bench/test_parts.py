"""What the benchmarks are made of: figures, options, and the scripts for the other side."""

import re
from collections.abc import Sequence

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from approvals.models import ApprovalRequest
from bench.figures import measured, percentile, table
from bench.options import Options, read_options
from bench.pgbench import Script
from bench.twin import FRESH, STAMPED, TABLES, count_rows, make_twin, rows_added
from hitlconsole.accounts.models import Agent
from tests.factories import HARD, make_agent, make_team, submit

DEFAULTS = Options(connections=(1, 16), seconds=5, repeats=3, json=None)


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [float(value) for value in range(1, 101)]
    assert [percentile(hundred, percent) for percent in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert [percentile([3.0, 7.0], percent) for percent in (50, 51, 99)] == [3, 7, 7]
    assert percentile([5.0], 99) == 5
    run = measured([4.0, 1.0, 3.0, 2.0], elapsed=0.5)
    assert (run.count, run.per_second, run.p50_ms, run.p99_ms) == (4, 8.0, 2.0, 4.0)


def test_a_table_lines_up() -> None:
    assert table(["side", "a second"], [["console", "9"], ["pgbench", "1,200"]]) == (
        "side     a second\nconsole         9\npgbench     1,200"
    )


def test_options_are_read_and_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert read_options("", DEFAULTS, []) == DEFAULTS
    typed = ["--connections", "2,64", "--seconds", "0.5", "--repeats", "1"]
    assert read_options("", DEFAULTS, typed) == Options((2, 64), 0.5, 1, None)
    for wrong in (["--connections", "0"], ["--seconds", "-1"], ["--repeats", "many"]):
        with pytest.raises(SystemExit) as stopped:
            read_options("", DEFAULTS, wrong)
        assert stopped.value.code == 2
        assert wrong[0] in capsys.readouterr().err


def _statements(script: Script, agent: int) -> Sequence[str]:
    """For psycopg: without pgbench's own commands, and with its variables as named parameters."""
    text = script.text.partition("\n")[2].replace("[:agent]", f"[{agent}]")
    return [re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", part) for part in text.split(";\n") if part]


def _run(database: psycopg.Connection, script: Script, agent: int) -> None:
    """\\gset keeps a row's columns as variables."""
    values = dict(script.values)
    statements = [part for whole in _statements(script, agent) for part in whole.split(" \\gset\n")]
    with psycopg.ClientCursor(database) as cursor:
        for statement in statements:
            if statement in ("BEGIN", "COMMIT"):
                continue
            cursor.execute(statement, values)
            if "RETURNING" in statement:
                row = cursor.fetchone()
                names = [column.name for column in cursor.description or ()]
                values |= {k: str(v) for k, v in zip(names, row, strict=True)}


def _plain(row: dict, table: str) -> dict:
    """Without what is fresh in each row."""
    return {name: v for name, v in row.items() if (table, name) not in STAMPED | FRESH.keys()}


def _rows_of(database: psycopg.Connection, request_id: str) -> dict[str, list[dict]]:
    with database.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return {
            table: [
                _plain(row, table)
                for row in cursor.execute(
                    f"SELECT * FROM {table} WHERE {condition} ORDER BY 1, 2",  # noqa: S608
                    {"id": request_id},
                )
            ]
            for table, condition in TABLES
        }


@pytest.mark.parametrize("form", ["one_statement", "separate"])
def test_the_scripts_write_what_a_submission_writes(committed_db: str, form: str) -> None:
    team = make_team()
    agents = [make_agent(team, f"agent-{number}") for number in range(2)]
    key = agents[0][1]
    submit(key, facts=HARD)  # the first one makes the agent's profile, too
    config = connection.get_connection_params() | {"dbname": settings.DATABASES["default"]["NAME"]}
    plain = {name: config[name] for name in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(**plain, autocommit=True) as database:
        before = count_rows(database)
        model = submit(key, facts=HARD, idempotency_key="one", context={"task": ""})
        submitted = rows_added(before, count_rows(database))
        assert {table for table, _ in TABLES} | {"audit_pending"} == submitted.keys()
        twin = make_twin(database, model.id, [str(agent.id) for agent, _ in agents])
        before = count_rows(database)
        with database.transaction():
            _run(database, getattr(twin, form), agent=2)
        assert rows_added(before, count_rows(database)) == submitted
        copy = ApprovalRequest.objects.order_by("-created_at")[0]
        assert copy.agent == Agent.objects.get(name="agent-1")
        assert _rows_of(database, str(copy.id)) == _rows_of(database, str(model.id))
