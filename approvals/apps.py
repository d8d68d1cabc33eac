from django.apps import AppConfig
from django.db.models.signals import post_migrate

from approvals.grants import narrow_grants


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        post_migrate.connect(narrow_grants, sender=self, dispatch_uid="approvals.narrow_grants")
