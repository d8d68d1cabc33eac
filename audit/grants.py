"""What the application's role may do with the record: add to it and read it."""

from typing import Any

from hitlconsole.lib.roles import execute_for_role


def narrow_grants(using: str, **kwargs: Any) -> None:
    """After the general grants of a migration. txid and recorded_at are stamped by a trigger."""
    execute_for_role(
        using,
        """
        REVOKE ALL ON audit_event, audit_pending, audit_disclosure FROM {role};
        GRANT SELECT ON audit_event, audit_pending, audit_disclosure TO {role};
        GRANT INSERT (event_id, stream, stream_seq, type, request_id, agent_id, action_type,
                      level, actor_kind, actor_id, reviewer_decision, entry)
            ON audit_event TO {role};
        GRANT INSERT ON audit_disclosure TO {role};
        REVOKE DELETE ON audit_stream FROM {role};
        """,
    )
