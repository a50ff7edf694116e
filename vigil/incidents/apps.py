"""Django app of incidents."""

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "vigil.incidents"
    default_auto_field = "django.db.models.BigAutoField"
