from django.apps import AppConfig
from django.db.models.signals import post_migrate

from audit.grants import narrow_grants


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        post_migrate.connect(narrow_grants, sender=self, dispatch_uid="audit.narrow_grants")
