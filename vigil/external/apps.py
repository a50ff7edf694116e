"""Django app of external incidents."""

from __future__ import annotations

from django.apps import AppConfig


class ExternalConfig(AppConfig):
    name = "vigil.external"
    label = "external"
    verbose_name = "External incidents"
