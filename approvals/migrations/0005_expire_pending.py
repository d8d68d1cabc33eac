from django.db import migrations


class Migration(migrations.Migration):
    """A request of a team with one tier alone expires without having been escalated."""

    dependencies = [("approvals", "0004_time_and_notice")]
    operations = [
        migrations.RunSQL(
            "INSERT INTO status_transition VALUES ('pending', 'expired')",
            migrations.RunSQL.noop,
        )
    ]
