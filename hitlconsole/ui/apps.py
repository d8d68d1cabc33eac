from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "hitlconsole.ui"
    label = "ui"
