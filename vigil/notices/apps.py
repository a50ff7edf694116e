"""Django app of notices."""

from __future__ import annotations

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "vigil.notices"
    label = "notices"
    verbose_name = "Notices"
