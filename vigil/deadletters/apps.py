"""Names the dead letters app for Django."""

from __future__ import annotations

from django.apps import AppConfig


class DeadLettersConfig(AppConfig):
    name = "vigil.deadletters"
    label = "deadletters"
    verbose_name = "Dead letters"
