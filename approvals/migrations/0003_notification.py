from django.db import migrations, models

KINDS = [
    ("request_waiting", "A request waits"),
    ("request_notify", "An action was approved by itself"),
    ("request_reminder", "A request still waits"),
    ("request_escalated", "A request was escalated"),
    ("request_asked", "An agent was asked"),
    ("request_answered", "An agent answered"),
    ("request_expired", "A request expired"),
    ("request_closed", "A request was closed"),
    ("takeover_started", "An agent was taken over"),
    ("takeover_reminder", "A stopped agent still waits"),
    ("takeover_escalated", "Nobody has looked after a stopped agent"),
    ("takeover_released", "An agent was released"),
]


class Migration(migrations.Migration):
    """What was a delivery is the news behind it: deliveries become messages of their own."""

    dependencies = [("approvals", "0002_guards")]
    operations = [
        migrations.RenameModel("Delivery", "Notification"),
        migrations.AlterModelOptions("notification", {}),
        migrations.RenameIndex(
            "notification", new_name="notification_due", old_name="delivery_due"
        ),
        migrations.RenameIndex(
            "notification", new_name="notification_request", old_name="delivery_request"
        ),
        migrations.RenameField("notification", "sent_at", "planned_at"),
        migrations.RemoveField("notification", "attempted_at"),
        migrations.AlterField(
            "notification", "kind", models.CharField(choices=KINDS, max_length=20)
        ),
        migrations.AlterField(
            "notification",
            "status",
            models.CharField(
                choices=[("queued", "Queued"), ("planned", "Planned"), ("dead", "Given up")],
                default="queued",
                max_length=10,
            ),
        ),
        migrations.RunSQL(
            "UPDATE approvals_notification SET status = 'planned' WHERE status = 'sent'",
            "UPDATE approvals_notification SET status = 'sent' WHERE status = 'planned'",
        ),
        migrations.RemoveConstraint("notice", "notice_once"),
        migrations.RenameField("notice", "delivery", "notification"),
        migrations.AddConstraint(
            "notice",
            models.UniqueConstraint(fields=("notification", "user"), name="notice_once"),
        ),
    ]
