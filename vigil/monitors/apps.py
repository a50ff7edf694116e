"""Django app of monitors."""

from __future__ import annotations

from django.apps import AppConfig


class MonitorsConfig(AppConfig):
    name = "vigil.monitors"
    label = "monitors"
    verbose_name = "Monitors"
