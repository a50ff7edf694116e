"""Django app of status feeds."""

from __future__ import annotations

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "vigil.feeds"
    label = "feeds"
    verbose_name = "Status feeds"
