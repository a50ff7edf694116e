"""Admin of the audit: who changed which monitor, what was done in bulk, and what was done in this admin."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import LogEntry

from vigil.monitors.models import MonitorChange
from vigil.web.admin.pieces import ReadOnlyAdmin
from vigil.web.models import BulkAction


@admin.register(MonitorChange)
class MonitorChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "monitor", "action", "author", "via", "fields", "revision")
    list_filter = ("monitor", "action")
    search_fields = ("=monitor__public_id", "=monitor__name")
    list_select_related = ("monitor",)


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnlyAdmin):
    list_display = ("at", "said", "kind", "user", "team", "undone_at")
    list_filter = ("kind", "user", "team")
    search_fields = ("=public_id", "said")
    list_select_related = ("user", "team")


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """What people did on these pages."""

    list_display = ("action_time", "user", "action_flag", "content_type", "object_repr")
    list_filter = ("user", "action_flag")
    search_fields = ("object_repr", "=object_id")
    list_select_related = ("user", "content_type")
