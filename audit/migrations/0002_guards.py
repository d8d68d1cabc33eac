from django.db import migrations

from hitlconsole.lib.guards import append_only

SQL = """
-- Streams are looked up whole: the index for LIKE that comes with a text key is only a cost.
DO $$ BEGIN
    EXECUTE (SELECT format('DROP INDEX %I', indexname) FROM pg_indexes
             WHERE tablename = 'audit_stream' AND indexname LIKE '%\\_like');
END $$;

ALTER TABLE audit_event ADD COLUMN txid xid8 NOT NULL;

-- The stamps are the database's own: whatever the writer sent is replaced.
CREATE FUNCTION audit_event_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.txid := pg_current_xact_id();
    NEW.recorded_at := hitl_now();
    RETURN NEW;
END $$;
CREATE TRIGGER audit_event_stamp BEFORE INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_stamp();
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_stamp;

-- A queue of what is to be sealed. The writer has no right to it, so the function runs as its owner.
CREATE FUNCTION audit_event_queue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_pending (event_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_event_queue AFTER INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_queue();
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_queue;

-- A stream's counter only grows, so that a gap always means that something is missing.
CREATE FUNCTION audit_stream_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.stream <> OLD.stream OR NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION 'a stream counter only grows' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_stream_grows BEFORE UPDATE OR DELETE ON audit_stream
    FOR EACH ROW EXECUTE FUNCTION audit_stream_grows();
ALTER TABLE audit_stream ENABLE ALWAYS TRIGGER audit_stream_grows;
"""


class Migration(migrations.Migration):
    """Append-only, whoever asks; ENABLE ALWAYS keeps the guards on in replication roles too."""

    dependencies = [("audit", "0001_initial"), ("lib", "0001_functions")]
    operations = [migrations.RunSQL(SQL + append_only("audit_event"), migrations.RunSQL.noop)]
