"""Django app of canaries."""

from __future__ import annotations

from django.apps import AppConfig


class CanariesConfig(AppConfig):
    name = "vigil.canaries"
    label = "canaries"
    verbose_name = "Canaries"
