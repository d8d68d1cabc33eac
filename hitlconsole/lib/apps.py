from django.apps import AppConfig
from django.db.models.signals import post_migrate

from hitlconsole.lib.roles import grant_tables


class LibConfig(AppConfig):
    name = "hitlconsole.lib"
    label = "lib"

    def ready(self) -> None:
        post_migrate.connect(grant_tables, sender=self, dispatch_uid="lib.grant_tables")
