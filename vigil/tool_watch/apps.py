"""Django app of the tool watch."""

from __future__ import annotations

from django.apps import AppConfig


class ToolWatchConfig(AppConfig):
    name = "vigil.tool_watch"
    label = "tool_watch"
    verbose_name = "Tool watch"
