"""The table of transitions is the owner's: the application reads it."""

from typing import Any

from hitlconsole.lib.roles import execute_for_role


def narrow_grants(using: str, **kwargs: Any) -> None:
    """After the general grants of a migration."""
    execute_for_role(
        using,
        """
        REVOKE ALL ON status_transition FROM {role};
        GRANT SELECT ON status_transition TO {role};
        """,
    )
