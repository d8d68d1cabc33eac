from typing import Any

from django.db import migrations

# The default policy as it stood when this was written.
DOCUMENT = {
    "facts_from": "stated",
    "high_cost_usd": "100",
    "irreversible_soft_above": 0.75,
    "irreversible_always_hard": False,
    "reversible_auto_above": 0.85,
    "confidence_takeover_below": 0.5,
    "confidence_hard_below": 0.65,
    "confidence_soft_below": 0.8,
    "missing_confidence": None,
    "takeover_failures": 3,
    "failure_window_hours": 24,
    "promote_after_successes": 10,
    "demote_after_failures": 2,
    "silent_consent": True,
    "soft_seconds": 300,
    "hard_seconds": 86400,
    "takeover_ack_seconds": 900,
    "approval_ttl_seconds": 900,
    "quorum": 1,
    "rules": [],
}


def publish(apps: Any, schema_editor: Any) -> None:
    apps.get_model("autonomy", "PolicyVersion").objects.using(
        schema_editor.connection.alias
    ).create(number=1, document=DOCUMENT, note="The defaults.")


class Migration(migrations.Migration):
    """A console has a policy from the first moment."""

    dependencies = [("autonomy", "0002_guards")]
    operations = [migrations.RunPython(publish, migrations.RunPython.noop)]
