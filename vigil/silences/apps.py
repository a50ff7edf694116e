"""Django app of silences."""

from __future__ import annotations

from django.apps import AppConfig


class SilencesConfig(AppConfig):
    name = "vigil.silences"
    label = "silences"
    verbose_name = "Silences and maintenance"
