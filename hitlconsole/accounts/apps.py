from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "hitlconsole.accounts"
    label = "accounts"
