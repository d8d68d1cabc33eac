from django.db import migrations

# What is searched of a request, in lower case. The canonical action is
# {"arguments":...,"type":"..."}: only what stands between counts. Escapes and quotes separate words,
# so that a space stands before each: that is how words of one or two letters are looked up.
SQL = r"""
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE FUNCTION request_search_text(action_type text, description text, action bytea)
RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    arguments text := substr(convert_from(action, 'UTF8'), 14);
BEGIN
    arguments := left(arguments, -(length(action_type) + 11));
    IF strpos(arguments, '\') > 0 THEN
        arguments := regexp_replace(arguments, '\\(u[0-9a-f]{4}|.)', ' ', 'g');
    END IF;
    arguments := replace(arguments, '":', '  ');
    RETURN lower(replace(
        ' ' || action_type || ' ' || left(description || ' ' || arguments, 16384), '"', ' '));
END $$;

-- Each request stands in one of the two: the queue does not read through a history in which much
-- is alike, and a submission is written into one index only.
CREATE INDEX request_search_open ON approvals_approvalrequest
    USING gin (request_search_text(action_type, description, action) gin_trgm_ops)
    WHERE status IN ('pending', 'needs_info', 'escalated');
CREATE INDEX request_search_closed ON approvals_approvalrequest
    USING gin (request_search_text(action_type, description, action) gin_trgm_ops)
    WHERE NOT status IN ('pending', 'needs_info', 'escalated');

-- How frequent words are: from an index over a part of the rows the planner would not know, and
-- look up what half of them have in common.
CREATE STATISTICS request_search
    ON request_search_text(action_type, description, action) FROM approvals_approvalrequest;
ANALYZE approvals_approvalrequest;
"""
REVERSE = """
DROP STATISTICS request_search;
DROP INDEX request_search_open, request_search_closed;
DROP FUNCTION request_search_text;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0007_reviewing")]

    operations = [migrations.RunSQL(SQL, REVERSE)]
