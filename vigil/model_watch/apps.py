"""Django app of the model watch."""

from __future__ import annotations

from django.apps import AppConfig


class ModelWatchConfig(AppConfig):
    name = "vigil.model_watch"
    label = "model_watch"
    verbose_name = "Model watch"
