from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "hitlconsole.demo"
    label = "demo"
