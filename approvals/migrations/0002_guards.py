from django.db import migrations

from hitlconsole.lib.guards import append_only, refuse_truncate

# approvals.states.TRANSITIONS as it stood when this was written; a test compares them.
PAIRS = [
    ("pending", "approved"),
    ("pending", "rejected"),
    ("pending", "needs_info"),
    ("pending", "escalated"),
    ("pending", "cancelled"),
    ("pending", "taken_over"),
    ("escalated", "approved"),
    ("escalated", "rejected"),
    ("escalated", "needs_info"),
    ("escalated", "escalated"),
    ("escalated", "expired"),
    ("escalated", "cancelled"),
    ("escalated", "taken_over"),
    ("needs_info", "pending"),
    ("needs_info", "escalated"),
    ("needs_info", "cancelled"),
    ("needs_info", "taken_over"),
]
VALUES = ", ".join(f"('{before}', '{after}')" for before, after in PAIRS)

SQL = f"""
CREATE TABLE status_transition (
    before text NOT NULL,
    after text NOT NULL,
    PRIMARY KEY (before, after)
);
INSERT INTO status_transition VALUES {VALUES};

-- The fixed search_path keeps a temporary table from standing in for the real one.
CREATE FUNCTION approval_request_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    -- What may still happen to a closed request: its one execution.
    loose constant text[] := ARRAY['revision', 'execution', 'execution_claim_id',
                                   'execution_claimed_at'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'requests are kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status NOT IN ('approved', 'pending', 'taken_over') OR NEW.revision <> 1 THEN
            RAISE EXCEPTION 'a request cannot begin as %', NEW.status
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.agent_id, NEW.created_at, NEW.body_sha256)
            IS DISTINCT FROM (OLD.id, OLD.agent_id, OLD.created_at, OLD.body_sha256)
        OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key THEN
        RAISE EXCEPTION 'the identity of a request never changes'
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'a revision only grows' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.closed_at IS NOT NULL THEN
        IF to_jsonb(NEW) - loose <> to_jsonb(OLD) - loose THEN
            RAISE EXCEPTION 'request % is closed as %', OLD.id, OLD.status
                USING ERRCODE = 'check_violation';
        END IF;
        -- One execution: claimed once, told once.
        IF NEW.execution IS DISTINCT FROM OLD.execution
            AND (OLD.execution, NEW.execution) NOT IN (
                ('available', 'claimed'), ('available', 'lapsed'), ('available', 'revoked'),
                ('claimed', 'reported'))
            OR OLD.execution_claim_id IS NOT NULL
            AND (NEW.execution_claim_id, NEW.execution_claimed_at) IS DISTINCT FROM
                (OLD.execution_claim_id, OLD.execution_claimed_at) THEN
            RAISE EXCEPTION 'an execution cannot go from % to %', OLD.execution, NEW.execution
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT FROM status_transition WHERE before = OLD.status AND after = NEW.status
    ) THEN
        RAISE EXCEPTION 'a request cannot go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_request_guard BEFORE INSERT OR UPDATE OR DELETE
    ON approvals_approvalrequest FOR EACH ROW EXECUTE FUNCTION approval_request_guard();
ALTER TABLE approvals_approvalrequest ENABLE ALWAYS TRIGGER approval_request_guard;

-- Wakes the agents that wait: sent at the commit, never for a loser. Not on INSERT, where the
-- notification lock would make commits queue up behind each other.
CREATE FUNCTION approval_request_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('hitl_request', NEW.id::text || ' ' || NEW.revision::text);
    RETURN NULL;
END $$;
CREATE TRIGGER approval_request_wake AFTER UPDATE ON approvals_approvalrequest
    FOR EACH ROW WHEN (NEW.revision <> OLD.revision) EXECUTE FUNCTION approval_request_wake();
ALTER TABLE approvals_approvalrequest ENABLE ALWAYS TRIGGER approval_request_wake;
"""  # noqa: S608 - constants of this file


class Migration(migrations.Migration):
    """The state machine in the database, for every writer."""

    dependencies = [("approvals", "0001_initial"), ("lib", "0001_functions")]
    operations = [
        migrations.RunSQL(
            SQL
            + refuse_truncate("approvals_approvalrequest")
            + append_only("approvals_decision")
            + append_only("approvals_message")
            + append_only("status_transition"),
            migrations.RunSQL.noop,
        )
    ]
