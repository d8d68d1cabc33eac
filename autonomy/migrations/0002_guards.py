from django.db import migrations

from hitlconsole.lib.guards import append_only


class Migration(migrations.Migration):
    """Policies and evaluations are history from the moment they are written."""

    dependencies = [("autonomy", "0001_initial"), ("lib", "0001_functions")]
    operations = [
        migrations.RunSQL(
            append_only("autonomy_policyversion") + append_only("autonomy_evaluation"),
            migrations.RunSQL.noop,
        )
    ]
