"""Django app of dispatch."""

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "vigil.dispatch"
    default_auto_field = "django.db.models.BigAutoField"
