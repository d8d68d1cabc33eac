"""SQL for migrations: tables that the database itself keeps append-only.

ENABLE ALWAYS keeps a trigger on in sessions that switch ordinary triggers off.
"""


def append_only(table: str) -> str:
    """Refuse UPDATE, DELETE and TRUNCATE on the table, whoever asks."""
    return f"""
    CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION hitl_refuse_change();
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep;
    {refuse_truncate(table)}
    """


def refuse_truncate(table: str) -> str:
    return f"""
    CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION hitl_refuse_change();
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all;
    """
