from django.db import migrations

SQL = """
-- The one clock. VOLATILE: read anew at each call, so after the locks are held.
CREATE FUNCTION hitl_now() RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
AS 'SELECT clock_timestamp()';

CREATE FUNCTION hitl_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""
REVERSE = "DROP FUNCTION hitl_refuse_change(); DROP FUNCTION hitl_now();"


class Migration(migrations.Migration):
    """What every app's tables and triggers stand on."""

    initial = True
    dependencies = []
    operations = [migrations.RunSQL(SQL, REVERSE)]
