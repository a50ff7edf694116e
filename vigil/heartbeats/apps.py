"""Django app of heartbeats."""

from __future__ import annotations

from django.apps import AppConfig


class HeartbeatsConfig(AppConfig):
    name = "vigil.heartbeats"
    label = "heartbeats"
