"""Django's entry for the incidents app."""

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "vigil.incidents"
    default_auto_field = "django.db.models.BigAutoField"
