"""Django app of history."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "vigil.history"
    label = "history"
