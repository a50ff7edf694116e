"""Django app of monitors as code."""

from __future__ import annotations

from django.apps import AppConfig


class CodeConfig(AppConfig):
    name = "vigil.code"
    label = "code"
    verbose_name = "Monitors as code"
