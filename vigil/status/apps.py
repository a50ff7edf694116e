"""Django app of status pages."""

from __future__ import annotations

from django.apps import AppConfig


class StatusConfig(AppConfig):
    name = "vigil.status"
    label = "status"
    verbose_name = "Status pages"
